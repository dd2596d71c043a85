package dev.sluice.uplink.producer;

import dev.sluice.clock.ThrottledLog;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Knows for every partition whether Kafka goes on to acknowledge what the producer holds for it, over all producers that follow one
 * another. Any thread, but one thread looks.
 */
public final class Flows {
    /** Messages may name very many Kafka topics; above, those that hold nothing are forgotten. */
    private static final int TOPICS = 10_000;

    private static final Logger LOG = Logger.getLogger(Flows.class);

    private final Map<String, TopicFlow> topics = new ConcurrentHashMap<>();
    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private final AtomicLong acknowledged = new AtomicLong();
    private volatile TimestampRefusal timestampRefusal;
    private volatile int looks;
    private final ThrottledLog shortageLog = new ThrottledLog(LOG);
    private volatile int shortage;
    private volatile boolean mustAsk;
    private int shortages;

    /**
     * Kafka's last refusal of a record for its timestamp. Immutable.
     *
     * @param at nanoseconds of the JVM's clock
     * @param acknowledged what {@link #acknowledged} was then
     * @param why Kafka's message
     */
    public record TimestampRefusal(long at, long acknowledged, String why) {}

    TopicFlow topic(String kafkaTopic) {
        var known = topics.get(kafkaTopic); // which needs no lock, as it is asked for each record
        return known != null ? known : topics.computeIfAbsent(kafkaTopic, TopicFlow::new);
    }

    /** Records that Kafka has acknowledged since the start. */
    public long acknowledged() {
        return acknowledged.get();
    }

    void noteAcknowledgement() {
        acknowledged.incrementAndGet();
    }

    /** The number of looks so far. */
    int looks() {
        return looks;
    }

    /** Looks what has moved since the last time. */
    void look(long now) {
        looks++;
        if (topics.size() > TOPICS) topics.values().removeIf(topic -> topic.isIdle(now));
        topics.values().forEach(topic -> topic.look(now));
    }

    /** The partitions that have acknowledged nothing for so long while something was held for them. */
    public List<Standstill> still(Duration time) {
        var now = System.nanoTime();
        return topics.values().stream()
                .flatMap(topic -> topic.still(now, time).stream())
                .toList();
    }

    /**
     * The Kafka topics that stand still: while something was held for them, they have acknowledged nothing for so long. Or more of their partitions
     * stand still than have moved lately.
     */
    public Set<String> stillTopics(Duration time) {
        var now = System.nanoTime();
        return topics.values().stream()
                .filter(topic -> topic.isStill(now, time))
                .map(TopicFlow::kafkaTopic)
                .collect(Collectors.toSet());
    }

    /** The Kafka topics for which something is held, or waits. */
    List<TopicFlow> holding() {
        var now = System.nanoTime();
        return topics.values().stream().filter(topic -> !topic.isIdle(now)).toList();
    }

    /** Their names. */
    public Set<String> waitingTopics() {
        return holding().stream().map(TopicFlow::kafkaTopic).collect(Collectors.toSet());
    }

    /** The producer's buffer has been looked at. */
    void tellBuffer(boolean isShort) {
        if (isShort != (shortage != 0)) turn(isShort);
    }

    private synchronized void turn(boolean isShort) {
        if (isShort == (shortage != 0)) return;
        shortage = isShort ? ++shortages : 0;
        if (isShort)
            shortageLog.warn(
                    "more than half of the Kafka producer's buffer.memory is taken: a partition gets its first record only"
                            + " if Kafka says that it can take it");
    }

    /**
     * The number of the shortage of buffer that there is, 0 if there is none. Meanwhile only those partitions begin to take of the buffer that
     * Kafka is known to give it back for: each takes a whole batch, and what partitions without a leader take stays taken.
     */
    public int shortage() {
        return shortage;
    }

    /** A record may not be handed over in this shortage. */
    void refuse(TopicFlow topic, PartitionFlow flow, int shortage) {
        flow.refuse();
        if (!topic.isTold(shortage)) mustAsk = true;
    }

    /** Whether something waits for a topic that Kafka was not asked for in this shortage; once. */
    public boolean takeMustAsk() {
        var must = mustAsk;
        mustAsk = false;
        return must;
    }

    /**
     * Kafka has been asked for a topic, in this shortage.
     *
     * @param couldTake of a partition, or of {@link Standstill#ANY}
     */
    public void tellWritable(String kafkaTopic, int shortage, IntPredicate couldTake) {
        topic(kafkaTopic).tellWritable(shortage, couldTake);
    }

    void noteFailure(Exception failure) {
        if (!Refusal.isForTimestamp(failure)) return;
        timestampRefusal = new TimestampRefusal(System.nanoTime(), acknowledged(), failure.getMessage());
        complaints.warn(
                "Kafka refuses a record for its timestamp, and its client is to send it again. Is the clock of the gateway right, and"
                        + " does message.timestamp.before.max.ms of the Kafka topic allow for outages? "
                        + failure.getMessage());
    }

    /** Kafka's refusal of a record for its timestamp within the last so long; empty if there was none. */
    public Optional<TimestampRefusal> timestampRefusal(Duration within) {
        var last = timestampRefusal;
        return last == null || System.nanoTime() - last.at() > within.toNanos() ? Optional.empty() : Optional.of(last);
    }
}
