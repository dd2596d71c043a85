package dev.sluice.uplink.producer;

import dev.sluice.uplink.route.KafkaTopic;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.InvalidRecordException;

/**
 * Owns what Kafka has said of the topics that records go to: no record is handed to the producer before, as a record that a broker must
 * refuse would fail the records of others in its batch. Any thread reads; one thread asks Kafka, and tells the answers.
 */
@Singleton
public final class KnownTopics {
    /** Names that wait for their first answer, or are of no topic; those above wait for room. */
    private static final int ABSENT = 1000;
    /** The age at which an answer is asked for again. */
    private static final long THERE_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long ABSENT_NANOS = Duration.ofMillis(500).toNanos();
    /** Whom nobody asks for in that time is forgotten. */
    private static final long IDLE_NANOS = Duration.ofMinutes(5).toNanos();

    private static final long ABSENT_IDLE_NANOS = Duration.ofSeconds(10).toNanos();
    /** The words of Kafka's brokers. */
    private static final String KEY_MISSING = "Compacted topic cannot accept message without key";

    private final Map<String, There> there = new ConcurrentHashMap<>();
    /** Guarded by itself; the name that came first is the first. */
    private final Map<String, Absent> absent = new LinkedHashMap<>();

    private final Semaphore questions = new Semaphore(0);

    /** A topic that Kafka has, or may have and hides. */
    private static final class There {
        private volatile int partitions;
        private volatile boolean compacted;
        private volatile boolean used = true;
        private long toldAt;
        private long usedAt;

        /** Written only if it changes, as all records of the topic come by here. */
        void use() {
            if (!used) used = true;
        }
    }

    /** A name that Kafka has no topic of, as far as it is known. */
    private static final class Absent {
        private boolean told;
        private long toldAt;
        private long wantedAt = System.nanoTime();
    }

    /** What stands against handing over a record now; null if nothing does. */
    Handover against(String kafkaTopic, boolean hasKey) {
        var topic = there.get(kafkaTopic);
        if (topic == null) {
            want(kafkaTopic);
            return Handover.NOT_NOW;
        }
        topic.use();
        return hasKey || !topic.compacted ? null : new Handover.Refused(Refusal.keyMissing());
    }

    /** Why a record without a key is refused for this topic; null if it is not, or not known to be. */
    public Refusal refusalOfKeyless(String kafkaTopic) {
        var topic = there.get(kafkaTopic);
        return topic != null && topic.compacted ? Refusal.keyMissing() : null;
    }

    /** How many partitions a topic has; 0 while that is not known, {@link KafkaTopic#HIDDEN} where Kafka does not tell it. */
    public int partitions(String kafkaTopic) {
        var topic = there.get(kafkaTopic);
        return topic == null ? 0 : topic.partitions;
    }

    /** The same, and has Kafka asked if it is not known. */
    public int partitionsElseAsk(String kafkaTopic) {
        var count = partitions(kafkaTopic);
        if (count == 0) want(kafkaTopic);
        return count;
    }

    /** Kafka has refused a record: its topic may have changed since it was asked last, or hide its configuration. */
    void learn(String kafkaTopic, Exception refusal) {
        var topic = there.get(kafkaTopic);
        if (topic != null
                && refusal instanceof InvalidRecordException
                && refusal.getMessage() != null
                && refusal.getMessage().startsWith(KEY_MISSING)) topic.compacted = true;
    }

    /** Has Kafka asked for a topic that nobody has asked for. */
    private void want(String kafkaTopic) {
        synchronized (absent) {
            var known = absent.get(kafkaTopic);
            if (known != null) {
                known.wantedAt = System.nanoTime();
            } else if (absent.size() < ABSENT) {
                absent.put(kafkaTopic, new Absent());
                questions.release();
            }
        }
    }

    /** Has Kafka asked for these topics, for as long as this is called now and then. */
    public void want(Collection<String> kafkaTopics) {
        for (var name : kafkaTopics) {
            var topic = there.get(name);
            if (topic == null) want(name);
            else topic.use();
        }
    }

    /** Waits until there is a new name to ask for, or for that time. */
    public void awaitQuestion(Duration time) throws InterruptedException {
        if (questions.tryAcquire(time.toNanos(), TimeUnit.NANOSECONDS)) questions.drainPermits();
    }

    /** The names to ask Kafka for now; forgets those that nobody has used for long. On the thread that asks. */
    public List<String> due() {
        var now = System.nanoTime();
        var names = new ArrayList<String>();
        there.forEach((name, topic) -> {
            if (topic.used) topic.usedAt = now;
            topic.used = false;
            if (now - topic.usedAt > IDLE_NANOS) there.remove(name);
            else if (now - topic.toldAt > THERE_NANOS) names.add(name);
        });
        synchronized (absent) {
            absent.values().removeIf(it -> now - it.wantedAt > ABSENT_IDLE_NANOS);
            absent.forEach((name, topic) -> {
                if (!topic.told || now - topic.toldAt > ABSENT_NANOS) names.add(name);
            });
        }
        return names;
    }

    /** Takes over what Kafka says of these topics. On the thread that asks. */
    public void tell(Map<String, KafkaTopic> said) {
        said.forEach((name, topic) -> {
            if (topic.partitions() == 0) lacks(name);
            else has(name, topic);
        });
    }

    private void has(String name, KafkaTopic said) {
        var topic = there.getOrDefault(name, new There());
        topic.partitions = said.partitions();
        if (said.isCompacted() != null) topic.compacted = said.isCompacted();
        topic.toldAt = System.nanoTime();
        there.put(name, topic);
        synchronized (absent) {
            absent.remove(name);
        }
    }

    private void lacks(String name) {
        there.remove(name);
        synchronized (absent) {
            var topic = absent.computeIfAbsent(name, _ -> new Absent());
            topic.told = true;
            topic.toldAt = System.nanoTime();
        }
    }
}
