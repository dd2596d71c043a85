package dev.sluice.uplink.producer;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.uplink.route.KafkaTopic;
import dev.sluice.uplink.route.TimestampBounds;
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
import java.util.function.Predicate;
import org.apache.kafka.common.InvalidRecordException;
import org.jboss.logging.Logger;

/**
 * Owns what Kafka has said of the topics that records go to: no record is handed to the producer before, as a record that a broker must
 * refuse would fail the records of others in its batch. Any thread reads; one thread asks Kafka, and tells the answers.
 */
@Singleton
public final class KnownTopics {
    /** Names that wait for their first answer, or are of no topic; those above wait until some are refused. */
    private static final int ABSENT = 1000;
    /** The age at which an answer is asked for again. */
    private static final long THERE_NANOS = Duration.ofSeconds(10).toNanos();

    private static final long ABSENT_NANOS = Duration.ofMillis(500).toNanos();
    /** Whom nobody asks for in that time is forgotten. */
    private static final long IDLE_NANOS = Duration.ofMinutes(5).toNanos();

    /** So long Kafka is asked again before it lacks a name that was never there: what was just made may not be known everywhere. */
    private static final long NEW_NANOS = Duration.ofSeconds(1).toNanos();
    /** The same for a topic that was there: it may be made again. */
    private static final long GONE_NANOS = Duration.ofSeconds(10).toNanos();

    /** A topic gets nothing for so long after Kafka has refused a timestamp, and for twice as long after each time. */
    private static final long FIRST_REST_NANOS = Duration.ofSeconds(5).toNanos();
    /** Not longer; a topic that is not refused for as long begins at the first again. */
    public static final Duration LONGEST_REST = Duration.ofMinutes(2);

    private static final long LONGEST_REST_NANOS = LONGEST_REST.toNanos();

    private static final long ABSENT_IDLE_NANOS = Duration.ofSeconds(10).toNanos();
    /** The words of Kafka's brokers. */
    private static final String KEY_MISSING = "Compacted topic cannot accept message without key";

    private final Map<String, There> there = new ConcurrentHashMap<>();
    /** Guarded by itself; the name that came first is the first. */
    private final Map<String, Absent> absent = new LinkedHashMap<>();

    private final ThrottledLog rests = new ThrottledLog(Logger.getLogger(KnownTopics.class));
    private final Semaphore questions = new Semaphore(0);

    /** A topic that Kafka has, or may have and hides. */
    private static final class There {
        private volatile int partitions;
        private volatile boolean compacted;
        private volatile boolean used = true;
        private volatile TimestampBounds timestamps = TimestampBounds.NONE;
        /** Null before Kafka has refused a timestamp. */
        private volatile Rest rest;

        private long toldAt;
        private long usedAt;

        /** Written only if it changes, as all records of the topic come by here. */
        void use() {
            if (!used) used = true;
        }

        boolean rests() {
            var last = rest;
            return last != null && System.nanoTime() - last.until < 0;
        }

        /** False if it rests already: what was under way is refused with the first. */
        synchronized boolean beginRest() {
            var now = System.nanoTime();
            var last = rest;
            if (last != null && now - last.until < 0) return false;
            var isAnew = last == null || now - last.until > LONGEST_REST_NANOS;
            var nanos = isAnew ? FIRST_REST_NANOS : Math.min(2 * last.nanos, LONGEST_REST_NANOS);
            rest = new Rest(now + nanos, nanos);
            return true;
        }
    }

    /** In which a topic gets nothing. */
    private record Rest(long until, long nanos) {}

    /** A name that Kafka has no topic of, as far as it is known. */
    private static final class Absent {
        private boolean told;
        private long toldAt;
        private long missingSince;
        private long wantedAt = System.nanoTime();
        /** Why its records are refused; null as long as they wait. */
        private Refusal refusal;

        private long refusedAt;
        private long patience;

        void lacks(long now, long patienceNow) {
            if (!told) missingSince = now;
            told = true;
            patience = Math.max(patience, patienceNow);
            toldAt = now;
            if (refusal == null && now - missingSince >= patience) refuse(now, Refusal.topicMissing());
        }

        void refuse(long now, Refusal why) {
            refusal = why;
            refusedAt = now;
        }

        boolean isRefusedNow(long now) {
            return refusal != null && now - refusedAt < GONE_NANOS;
        }
    }

    /**
     * What stands against handing over a record now; null if nothing does.
     *
     * @param timestamp milliseconds since 1970; null for the time at which it is produced
     */
    Handover against(String kafkaTopic, boolean hasKey, Long timestamp) {
        var topic = there.get(kafkaTopic);
        if (topic == null) {
            want(kafkaTopic);
            return Handover.NOT_NOW;
        }
        topic.use();
        if (!hasKey && topic.compacted) return new Handover.Refused(Refusal.keyMissing());
        var breach = timestamp == null ? null : topic.timestamps.breach(timestamp, System.currentTimeMillis());
        if (breach != null) return new Handover.Refused(Refusal.ofTimestamp(breach));
        return topic.rests() ? Handover.NOT_NOW : null;
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
        if (topic == null) return;
        if (refusal instanceof InvalidRecordException
                && refusal.getMessage() != null
                && refusal.getMessage().startsWith(KEY_MISSING)) topic.compacted = true;
        // Each such refusal costs a producer, and so concerns everybody.
        if (Refusal.isForTimestamp(refusal) && topic.beginRest())
            rests.warn("the Kafka topic " + kafkaTopic + " gets nothing for "
                    + Duration.ofNanos(topic.rest.nanos).toSeconds()
                    + " s, so that others are not disturbed again: Kafka refuses a timestamp. " + refusal.getMessage());
    }

    /** Has Kafka asked for a topic that nobody has asked for. */
    private void want(String kafkaTopic) {
        synchronized (absent) {
            var known = absent.get(kafkaTopic);
            if (known != null) {
                known.wantedAt = System.nanoTime();
            } else if (absent.size() < ABSENT || forgetRefused()) {
                absent.put(kafkaTopic, new Absent());
                questions.release();
            }
        }
    }

    /** Makes room for a name; false if all wait for Kafka's answer. */
    private boolean forgetRefused() {
        for (var names = absent.values().iterator(); names.hasNext(); ) {
            if (names.next().refusal == null) continue;
            names.remove();
            return true;
        }
        return false;
    }

    /** Why a record for a topic that the message has named is refused; null if Kafka has the topic, or if it is too early to say. */
    public Refusal refusalOfMissing(String kafkaTopic) {
        if (there.containsKey(kafkaTopic)) return null;
        synchronized (absent) {
            var known = absent.get(kafkaTopic);
            return known == null ? null : known.refusal;
        }
    }

    /** Whether Kafka has said that it has no such topic. */
    boolean isMissing(String kafkaTopic) {
        synchronized (absent) {
            var known = absent.get(kafkaTopic);
            return known != null && known.told;
        }
    }

    /** The names that Kafka was asked for and lacks, but for those that were refused a moment ago. On the thread that asks. */
    public List<String> missing() {
        var now = System.nanoTime();
        synchronized (absent) {
            return absent.entrySet().stream()
                    .filter(it -> it.getValue().told && !it.getValue().isRefusedNow(now))
                    .map(Map.Entry::getKey)
                    .toList();
        }
    }

    /** Records for this topic wait no longer. */
    public void refuse(String kafkaTopic, Refusal why) {
        synchronized (absent) {
            var known = absent.get(kafkaTopic);
            if (known != null) known.refuse(System.nanoTime(), why);
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

    /**
     * Takes over what Kafka says of these topics. On the thread that asks.
     *
     * @param mayCome whether a topic that is missing may be on its way
     */
    public void tell(Map<String, KafkaTopic> said, Predicate<String> mayCome) {
        said.forEach((name, topic) -> {
            if (topic.partitions() == 0) lacks(name, mayCome.test(name));
            else has(name, topic);
        });
    }

    private void has(String name, KafkaTopic said) {
        var topic = there.getOrDefault(name, new There());
        topic.partitions = said.partitions();
        if (said.isCompacted() != null) topic.compacted = said.isCompacted();
        if (said.timestamps() != null) topic.timestamps = said.timestamps();
        topic.toldAt = System.nanoTime();
        there.put(name, topic);
        synchronized (absent) {
            absent.remove(name);
        }
    }

    private void lacks(String name, boolean mayCome) {
        var wasThere = there.remove(name) != null;
        var patience = wasThere || mayCome ? GONE_NANOS : NEW_NANOS;
        synchronized (absent) {
            absent.computeIfAbsent(name, _ -> new Absent()).lacks(System.nanoTime(), patience);
        }
    }
}
