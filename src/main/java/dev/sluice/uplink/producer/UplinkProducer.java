package dev.sluice.uplink.producer;

import dev.sluice.clock.BackOff;
import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.annotation.PreDestroy;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.jboss.logging.Logger;

/**
 * Owns the producer of the channel `uplink`, and puts another in its place when it cannot go on: Kafka's client gives up for good
 * when it is not let in while it draws its producer id, or when it has been fenced. Any thread may send.
 */
@ApplicationScoped
public class UplinkProducer {
    private static final Logger LOG = Logger.getLogger(UplinkProducer.class);
    private static final String CHANNEL = "uplink";
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration CLOSE_TIME = Duration.ofSeconds(1);
    private static final Duration SETTLE_TURN = Duration.ofMillis(20);

    /**
     * What a replacement waits for.
     *
     * @param settle for what is under way to other topics: over the time that a sound Kafka takes to acknowledge it
     * @param between before the next producer, at first
     */
    record Pace(Duration settle, Duration between) {}

    private static final Pace PACE = new Pace(Duration.ofSeconds(1), Duration.ofSeconds(1));

    private final KafkaClientService clients;
    private final Event<Producer<?, ?>> opened;
    private final KnownTopics topics;
    private final Counter replaced;
    private final AtomicBoolean replacing = new AtomicBoolean();
    private final Repeating replacement = Repeating.onVirtualThread("sluice-producer");
    private final ThrottledLog replacements = new ThrottledLog(LOG);
    private final Flows flows = new Flows();
    private final Function<Map<String, Object>, Producer<byte[], byte[]>> opener;
    private final Pace pace;
    /** Before the next producer; used by one thread at a time. */
    private final BackOff pauses;
    /** Null before the first use. */
    private volatile LiveProducer live;

    private volatile long replacingSince;

    /**
     * @param channel keeps the channel alive, whose configuration and metrics are used; records do not pass it, as its emitter would
     *     cost twice as much for each
     * @param opened tells the metrics of a producer
     */
    @Inject
    public UplinkProducer(
            KafkaClientService clients,
            @Channel(CHANNEL) Emitter<byte[]> channel,
            Event<Producer<?, ?>> opened,
            KnownTopics topics,
            MeterRegistry meters) {
        this(
                clients,
                opened,
                topics,
                meters,
                config -> new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer()),
                PACE);
    }

    /** @param opener makes a producer from its configuration */
    UplinkProducer(
            KafkaClientService clients,
            Event<Producer<?, ?>> opened,
            KnownTopics topics,
            MeterRegistry meters,
            Function<Map<String, Object>, Producer<byte[], byte[]>> opener,
            Pace pace) {
        this.clients = clients;
        this.topics = topics;
        this.opened = opened;
        this.opener = opener;
        this.pace = pace;
        this.pauses = new BackOff(pace.between, LONGEST_PAUSE);
        this.replaced = Counter.builder("sluice.uplink.producer.replaced")
                .description("Kafka producers that could not go on")
                .register(meters);
    }

    /**
     * @throws IllegalArgumentException when its codec cannot be used
     */
    void warn(@Observes @Priority(StartOrder.KAFKA_PROBE) StartupEvent event) {
        var configuration = clients.getProducer(CHANNEL).configuration();
        Codecs.requireUsable(configuration);
        ProducerWarnings.of(configuration).forEach(LOG::warn);
    }

    /**
     * Hands over a record. Never blocks, as the channel sets `max.block.ms` to 0.
     *
     * @param later gets the outcome of the record once, on Kafka's network thread; only after {@link Handover.Taken}
     */
    public Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
        var current = current();
        if (replacing.get()) return Handover.NOT_NOW;
        var against = topics.against(record.topic(), record.key() != null, record.timestamp());
        if (against != null) return against;
        try {
            return current.hand(record, later);
        } catch (KafkaException | IllegalStateException failure) {
            var answer = Handover.of(failure);
            // A failure that concerns the record comes by the callback, or is a refusal: this one is the producer's.
            if (answer == Handover.NOT_NOW) replace(current, failure);
            return answer;
        } catch (LinkageError missing) { // of a codec, at its first record: an event loop must not end by it
            replace(current, new KafkaException("the Kafka producer lacks a library", missing));
            return Handover.NOT_NOW;
        }
    }

    /** Keeps the producer from forgetting a topic that is not in use, so that its next record need not wait. */
    public void keepMetadata(String kafkaTopic) {
        if (!knows(kafkaTopic)) LOG.debugf("metadata of %s is under way", kafkaTopic);
    }

    /** Whether the producer knows the partitions of a topic; if not, it asks Kafka for them. */
    public boolean knows(String kafkaTopic) {
        try {
            return partitions(kafkaTopic) > 0;
        } catch (KafkaException notYet) {
            return false;
        }
    }

    /**
     * How many partitions a topic has.
     *
     * @throws KafkaException when that is not known yet
     */
    public int partitions(String kafkaTopic) {
        try {
            return current().partitions(kafkaTopic);
        } catch (IllegalStateException closed) {
            throw new KafkaException("the Kafka producer is being replaced", closed);
        }
    }

    /**
     * Says in a sentence which topic or partition Kafka lacks, as far as that is known; null if it lacks nothing.
     *
     * @param partition null for any
     */
    public String absence(String kafkaTopic, Integer partition) {
        // The producer is not asked: it would have Kafka create a topic where Kafka does that by itself.
        if (topics.isMissing(kafkaTopic)) return "the Kafka topic " + kafkaTopic + " does not exist";
        var count = topics.partitionsElseAsk(kafkaTopic);
        return partition == null || count <= 0 || partition < count
                ? null
                : "the Kafka topic " + kafkaTopic + " has no partition " + partition;
    }

    /**
     * Kafka lets the gateway in again. The producer may have given up without saying so, unless Kafka has acknowledged something that it
     * sent: then it has its id, and {@link #isSilentFor} finds out if it lost that.
     */
    public void letInAgain(String refusal) {
        var doubtful = current();
        if (!doubtful.hasAcknowledged()) replace(doubtful, refusal);
    }

    /** What Kafka acknowledges of what the producers hold, and what not. */
    public Flows flows() {
        return flows;
    }

    /**
     * Kafka has not taken a record. If it may take it later, nothing that the producer holds behind it may be taken before: so the producer
     * ends at once, on its own thread, on which this runs. What is under way to the same partition is refused there as out of sequence.
     */
    private void failed(LiveProducer holder, String kafkaTopic, Exception exception) {
        topics.learn(kafkaTopic, exception);
        if (Refusal.of(exception) != null || holder != live) return;
        holder.stopSending(); // also while it is being replaced, and goes on with what it has
        if (beginReplacing()) replaceNow(holder, reason(exception), null);
    }

    /** Whether the producer has given no outcome of any record for so long; false while it is being replaced. */
    public boolean isSilentFor(Duration time) {
        return !replacing.get() && current().isSilentFor(time);
    }

    /** Whether there has been no producer for so long. */
    public boolean isGoneFor(Duration time) {
        return replacing.get() && System.nanoTime() - replacingSince > time.toNanos();
    }

    /** Looks what the producer and its flows have done since the last time. On one thread, again and again: what follows is as of the last look. */
    public void look() {
        var now = System.nanoTime();
        flows.look(now);
        current().look(now);
    }

    /**
     * A Kafka topic that has had fewer partitions than before for so long, while the producer holds records for those that are no more:
     * they would be held for ever. Empty if there is none.
     */
    public Optional<String> lostPartitionsOf(Duration time) {
        var holder = current();
        var now = System.nanoTime();
        for (var topic : flows.holding()) {
            if (!knows(topic.kafkaTopic()) || !topic.isShrunkFor(now, time)) continue;
            if (holder.holdsLost(topic)) return Optional.of(topic.kafkaTopic());
            topic.forgetLost();
        }
        return Optional.empty();
    }

    /** How long the producer waits for an answer before it asks again. */
    public Duration requestTimeout() {
        var configured = clients.getProducer(CHANNEL).configuration().get(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG);
        return Duration.ofMillis(configured == null ? 30_000 : Long.parseLong(configured.toString()));
    }

    /**
     * Puts another producer in the place of this one. All records that it holds fail for now.
     *
     * @param why a sentence for the log
     */
    public void replace(String why) {
        replace(current(), why);
    }

    /**
     * The same for the sake of records for one Kafka topic: the others have a second to reach Kafka before, and nothing more is taken
     * meanwhile.
     */
    public void replace(String why, String kafkaTopic) {
        var dead = current();
        if (dead == live && beginReplacing()) replaceNow(dead, why, kafkaTopic);
    }

    private LiveProducer current() {
        var known = live;
        return known != null ? known : first();
    }

    private synchronized LiveProducer first() {
        if (live == null) {
            Producer<byte[], byte[]> ofChannel =
                    clients.<byte[], byte[]>getProducer(CHANNEL).unwrap();
            live = new LiveProducer(ofChannel, flows, this::failed);
        }
        return live;
    }

    private void replace(LiveProducer dead, Throwable why) {
        replace(dead, reason(why));
    }

    private static String reason(Throwable why) {
        var root = RootCause.of(why);
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }

    private void replace(LiveProducer dead, String why) {
        if (dead == live && beginReplacing()) replaceNow(dead, why, null);
    }

    private boolean beginReplacing() {
        if (replacing.get()) return false;
        replacingSince = System.nanoTime(); // before it is read as the beginning of this replacement
        return replacing.compareAndSet(false, true);
    }

    /** @param onlyFor the Kafka topic whose records are given up, while those for others have a second to reach Kafka; null for all */
    private void replaceNow(LiveProducer dead, String why, String onlyFor) {
        var end = replacingSince + pace.settle.toNanos();
        var closed = new AtomicBoolean();
        replacement.start(() -> {
            if (closed.get()) return open() ? null : pace.between;
            if (onlyFor != null && dead.holdsOthersThan(onlyFor) && System.nanoTime() - end < 0) return SETTLE_TURN;
            closed.set(true);
            var pause = close(dead, why);
            return onlyFor == null ? pause : Duration.ZERO;
        });
    }

    /** Returns how long to wait before there is another: longer, if one after the other has achieved nothing. */
    private Duration close(LiveProducer dead, String why) {
        replacements.warn(
                "the Kafka producer cannot go on and is replaced; clients whose messages were under way send them again: "
                        + why);
        replaced.increment();
        pauses.tried(dead.hasAcknowledged());
        // All records that it held fail here, before the next producer gets any: nothing can be overtaken.
        dead.close();
        tellMetrics(dead); // the second time: they let it go
        return pauses.pause();
    }

    private boolean open() {
        try {
            var config =
                    new HashMap<String, Object>(clients.getProducer(CHANNEL).configuration());
            live = new LiveProducer(opener.apply(config), flows, this::failed);
        } catch (KafkaException notYet) {
            LOG.debugf(notYet, "no new Kafka producer yet");
            return false;
        }
        replacing.set(false);
        tellMetrics(live);
        return true;
    }

    private void tellMetrics(LiveProducer producer) {
        try {
            opened.fire(producer.kafka());
        } catch (RuntimeException failed) { // a new one is in use by now: another one could overtake its records
            LOG.error("the metrics of the Kafka producer are not right", failed);
        }
    }

    /** Closes the producer; every record that it has is answered before this returns. May be called again. */
    @PreDestroy
    public void stop() {
        replacement.stop();
        if (live != null) live.kafka().close(CLOSE_TIME);
    }
}
