package dev.sluice.uplink;

import dev.sluice.clock.BackOff;
import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.uplink.producer.Flows;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.Standstill;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.RoutesInForce;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Owns the judgement on records that the producer holds and Kafka does not acknowledge: which Kafka topics stand still, and whether that is the
 * producer's fault, which is replaced then. One virtual thread judges, any may read.
 */
@ApplicationScoped
public class ProducerWatch {
    private static final Logger LOG = Logger.getLogger(ProducerWatch.class);
    private static final Duration TURN = Duration.ofMillis(250);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    /** As many are asked for at a time; of those that stand still, at all. */
    private static final int TOPICS = 1000;
    /** A partition that has been gone for so long does not come back. */
    private static final Duration LOST = Duration.ofSeconds(10);
    /** Over the time after which the producer itself gives an answer up, and asks again. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** So long a refusal of a timestamp counts: the next one may come only after a rest. */
    private static final Duration TIMESTAMPS = KnownTopics.LONGEST_REST.plusMinutes(1);

    private static final Duration LONGEST_PATIENCE = Duration.ofMinutes(5);

    private final Duration grace;
    private final Duration deadline;
    private final String deadLetterTopic;
    private final RoutesInForce routes;
    private final UplinkProducer producer;
    private final KafkaHealth kafka;
    private final Duration betweenLooks;
    private final Duration lost;
    private final Repeating watching = Repeating.onVirtualThread("sluice-producer-watch");
    private final ThrottledLog standstills = new ThrottledLog(LOG);

    /** How long a silent producer is borne: longer, if the one before was silent as well. */
    private final BackOff patience;
    /** How long it is borne that one that is not silent has nothing acknowledged for one partition: longer, if that was so lately. */
    private final BackOff patienceWithOne;

    private long gaveOneUpAt = System.nanoTime() - 2 * LONGEST_PATIENCE.toNanos();

    /** Of records, when the producer was last replaced from here. */
    private long acknowledgedBefore;

    private long lookedAt;
    private long lostLookAt;
    /** Those that stand still, with the time since which Kafka could take their records; as of the last look. */
    private final Map<Standstill, Long> couldMoveSince = new HashMap<>();

    private Map<String, TopicState> topics = Map.of();

    private volatile List<Standstill> still = List.of();
    private volatile Set<String> stillTopics = Set.of();
    private volatile boolean takesNothing;

    @Inject
    ProducerWatch(
            UplinkConfig config,
            RoutesInForce routes,
            UplinkProducer producer,
            KafkaHealth kafka,
            MeterRegistry meters) {
        this(
                config,
                routes,
                producer,
                kafka,
                BETWEEN_LOOKS,
                LOST,
                producer.requestTimeout().plus(PATIENCE));
        Gauge.builder("sluice.uplink.standstills", this, it -> it.still.size())
                .description("Partitions that acknowledge nothing while records wait for them")
                .register(meters);
    }

    /**
     * @param betweenLooks how often Kafka is asked about what stands still
     * @param lost how long a partition is gone before it is lost
     * @param patience how long a producer may be silent while Kafka could take its records
     */
    ProducerWatch(
            UplinkConfig config,
            RoutesInForce routes,
            UplinkProducer producer,
            KafkaHealth kafka,
            Duration betweenLooks,
            Duration lost,
            Duration patience) {
        this.grace = config.outageGrace();
        this.deadline = config.deadline();
        this.deadLetterTopic = config.deadLetterTopic();
        this.routes = routes;
        this.producer = producer;
        this.kafka = kafka;
        this.betweenLooks = betweenLooks;
        this.lookedAt = System.nanoTime() - betweenLooks.toNanos();
        this.lostLookAt = lookedAt;
        this.lost = lost;
        this.patience = new BackOff(patience, LONGEST_PATIENCE);
        this.patienceWithOne = new BackOff(patience, LONGEST_PATIENCE);
    }

    void start(@Observes @Priority(StartOrder.KAFKA_READERS) StartupEvent event) {
        watching.every(TURN, this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        watching.stop();
    }

    /** The partitions that have acknowledged nothing for {@code outage-grace} while records waited for them. */
    public List<Standstill> still() {
        return still;
    }

    /**
     * The Kafka topics that exist and stand still: while records waited, they have acknowledged nothing for {@code outage-grace}. Or more of their
     * partitions stand still than have moved lately.
     */
    Set<String> stillTopics() {
        return stillTopics;
    }

    /** Whether no message reaches Kafka for now, although Kafka answers. */
    public boolean takesNothing() {
        return takesNothing;
    }

    void turn() {
        var now = System.nanoTime();
        producer.look();
        var seen = producer.flows().still(grace);
        if (seen.isEmpty()) couldMoveSince.clear();
        var shortage = producer.flows().shortage();
        var isDue = now - lookedAt > betweenLooks.toNanos() || producer.flows().takeMustAsk();
        if (isDue && (shortage != 0 || !seen.isEmpty())) look(seen, shortage);
        tell(seen);
        if (now - lostLookAt > lost.toNanos() / 5) replaceIfLost();
        replaceIfStuck();
    }

    /** Asks Kafka about what stands still, and in a shortage about all that anything waits for. */
    private void look(List<Standstill> seen, int shortage) {
        var named = new HashSet<>(routes.routes().literalKafkaTopics());
        if (shortage != 0) named.addAll(producer.flows().waitingTopics());
        else seen.stream().map(Standstill::kafkaTopic).distinct().limit(TOPICS).forEach(named::add);
        topics = states(List.copyOf(named));
        if (shortage != 0)
            topics.forEach((topic, state) ->
                    producer.flows().tellWritable(topic, shortage, it -> state.couldTake(new Standstill(topic, it))));
        lookedAt = System.nanoTime();
        couldMoveSince.keySet().retainAll(Set.copyOf(seen));
        for (var each : seen) {
            if (state(each.kafkaTopic()).couldTake(each)) couldMoveSince.putIfAbsent(each, lookedAt);
            else couldMoveSince.remove(each);
        }
    }

    private Map<String, TopicState> states(List<String> named) {
        var states = new HashMap<String, TopicState>();
        for (int i = 0; i < named.size(); i += TOPICS) {
            var some = kafka.topicStates(Set.copyOf(named.subList(i, Math.min(i + TOPICS, named.size()))));
            if (some.isEmpty()) break; // who looks must not wait for each of them
            states.putAll(some.get());
        }
        return states;
    }

    private TopicState state(String kafkaTopic) {
        return topics.getOrDefault(kafkaTopic, TopicState.MISSING);
    }

    private void tell(List<Standstill> seen) {
        var before = still;
        still = seen;
        stillTopics = seen.isEmpty()
                ? Set.of()
                : producer.flows().stillTopics(grace).stream()
                        .filter(topic -> !isMissing(topic))
                        .collect(Collectors.toUnmodifiableSet());
        var nothingMoves = !seen.isEmpty() && producer.isSilentFor(grace);
        takesNothing = producer.isGoneFor(grace)
                || takesNoTimestamp()
                || nothingMoves
                        && !topics.isEmpty()
                        && topics.values().stream().allMatch(it -> it.writable().isEmpty());
        if (!seen.isEmpty() && !Set.copyOf(before).containsAll(seen))
            standstills.warn(
                    () -> "Kafka acknowledges nothing for " + text(seen) + "; what is published for them waits");
        if (!before.isEmpty() && seen.isEmpty()) LOG.info("Kafka acknowledges again what it holds up");
    }

    /** Whether Kafka has taken nothing since it refused a record for its timestamp, not long ago. */
    private boolean takesNoTimestamp() {
        return timestampRefusal()
                .filter(refused -> producer.flows().acknowledged() == refused.acknowledged())
                .isPresent();
    }

    private Optional<Flows.TimestampRefusal> timestampRefusal() {
        return producer.flows().timestampRefusal(TIMESTAMPS);
    }

    /** Why Kafka has refused a record for its timestamp, not long ago; empty if it has not. */
    public Optional<String> refusedTimestamp() {
        return timestampRefusal().map(Flows.TimestampRefusal::why);
    }

    /** Whether Kafka has said that there is no such topic: nobody's outage, but a mistake. */
    private boolean isMissing(String kafkaTopic) {
        var known = topics.get(kafkaTopic);
        return known != null && known.isMissing();
    }

    /** In their order, some of them if they are very many. */
    public static String text(List<Standstill> standstills) {
        var names = new TreeSet<String>();
        standstills.forEach(it -> names.add(it.toString()));
        var first = names.stream().limit(10).collect(Collectors.joining(", "));
        return names.size() <= 10 ? first : first + " and " + (names.size() - 10) + " more";
    }

    private void replaceIfLost() {
        lostLookAt = System.nanoTime();
        producer.lostPartitionsOf(lost)
                .ifPresent(
                        topic -> giveUp(
                                topic,
                                "the Kafka topic " + topic
                                        + " has fewer partitions than before, and records are held for those that are no more"));
        producer.flows().stillTopics(deadline).stream()
                .filter(topic -> isMissing(topic) && !isNamed(topic))
                .findAny()
                .ifPresent(topic -> giveUp(
                        topic,
                        "records are held for the Kafka topic " + topic
                                + ", which is no more, and which no route names"));
    }

    private void giveUp(String kafkaTopic, String why) {
        forget();
        producer.replace(why, kafkaTopic);
    }

    private boolean isNamed(String kafkaTopic) {
        return kafkaTopic.equals(deadLetterTopic)
                || routes.routes().literalKafkaTopics().contains(kafkaTopic);
    }

    private void replaceIfStuck() {
        var borne = patience.pause();
        if (producer.isSilentFor(borne))
            firstThatCouldMoveFor(borne).ifPresent(it -> {
                patience.tried(producer.flows().acknowledged() != acknowledgedBefore);
                replace("it has sent nothing for " + borne.toSeconds()
                        + " s, although Kafka could take what it holds for " + it);
            });
        else replaceForOne();
    }

    /**
     * Kafka takes records for others: its client has lost count of those of one partition, as it can where it divides several batches that
     * are too large. If it is Kafka's fault all the same, the next producer will do no better, and has more time.
     */
    private void replaceForOne() {
        var borne = patienceWithOne.pause();
        firstThatCouldMoveFor(borne).ifPresent(it -> {
            var now = System.nanoTime();
            patienceWithOne.tried(now - gaveOneUpAt > 2 * LONGEST_PATIENCE.toNanos());
            gaveOneUpAt = now;
            giveUp(
                    it.kafkaTopic(),
                    "it has got no record into " + it + " for " + borne.toSeconds()
                            + " s, although Kafka could take it, and takes others");
        });
    }

    /** A partition that has acknowledged nothing for so long, although nothing in Kafka was against it. */
    private Optional<Standstill> firstThatCouldMoveFor(Duration time) {
        var now = System.nanoTime();
        if (now - lookedAt > 2 * betweenLooks.toNanos()) return Optional.empty();
        return producer.flows().still(time).stream()
                .filter(it -> couldMoveSince.containsKey(it) && now - couldMoveSince.get(it) > time.toNanos())
                .findAny();
    }

    private void replace(String why) {
        forget();
        producer.replace(why);
    }

    private void forget() {
        acknowledgedBefore = producer.flows().acknowledged();
        couldMoveSince.clear();
    }
}
