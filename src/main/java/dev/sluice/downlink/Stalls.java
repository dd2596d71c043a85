package dev.sluice.downlink;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * Owns the partitions of which nothing comes although Kafka has records of them, and tells of those that last. Confined to the downlink's
 * thread, except for {@link #sentences}.
 */
final class Stalls {
    private static final Logger LOG = Logger.getLogger(Stalls.class);
    /** Transactions are open for a moment all the time, leaders change. */
    private static final long PATIENCE = Duration.ofSeconds(5).toNanos();

    private static final long UNTIL_TOLD_AGAIN = Duration.ofMinutes(1).toNanos();

    private final Map<TopicPartition, Known> known = new HashMap<>();
    private volatile Map<String, String> sentences = Map.of();

    enum Cause {
        TRANSACTION(
                "transaction",
                "a transaction is open at offset %d. What follows comes when its producer commits or aborts it, or Kafka after"
                        + " transaction.timeout.ms; kafka-transactions.sh finds one that hangs"),
        NO_LEADER(
                "no_leader",
                "it has no leader, and is to be read on from offset %d. Bring the broker back that has its records"),
        WAITING(
                "waiting",
                "so many of its records wait for subscribers, slow clients or a topic for dead letters that it is not read on from"
                        + " offset %d until some are done with. Raise sluice.downlink.bytes-waiting, or lower sluice.downlink.patience");

        private final String code;
        private final String sentence;

        Cause(String code, String sentence) {
            this.code = code;
            this.sentence = sentence;
        }

        /** The value of the metric's label. */
        String code() {
            return code;
        }
    }

    /**
     * One that was seen just now.
     *
     * @param offset where it stands
     * @param behind records, and ends of transactions, that Kafka has from there on
     */
    record Stall(Cause cause, long offset, long behind) {
        boolean isLike(Stall other) {
            return cause == other.cause && offset == other.offset;
        }
    }

    private record Known(Stall stall, long since, long tellAt) {
        boolean lasts(long now) {
            return now - since >= PATIENCE;
        }
    }

    /** @param seen all that there are now */
    void seen(Map<TopicPartition, Stall> seen, long now) {
        for (var partition : Set.copyOf(known.keySet())) {
            var one = known.get(partition);
            var still = seen.get(partition);
            if (still != null && still.cause() == one.stall().cause()) continue;
            known.remove(partition);
            if (one.lasts(now)) LOG.infof("%s does not stand still any more", partition);
        }
        seen.forEach((partition, stall) ->
                known.merge(partition, new Known(stall, now, now + PATIENCE), (old, fresh) -> merged(old, fresh)));
        known.replaceAll((partition, one) -> told(partition, one, now));
        publish(now);
    }

    /** One that has moved in between, such as to the next transaction, does not stand still: its time begins anew. */
    private static Known merged(Known old, Known fresh) {
        var same = old.stall().cause() == Cause.WAITING || old.stall().isLike(fresh.stall());
        return same ? new Known(fresh.stall(), old.since(), old.tellAt()) : fresh;
    }

    private static Known told(TopicPartition partition, Known one, long now) {
        if (now - one.tellAt() < 0) return one;
        LOG.warnf(
                "the partition %s of the downlink stands still, and %d records with it: %s",
                partition, one.stall().behind(), sentence(one.stall()));
        return new Known(one.stall(), one.since(), now + UNTIL_TOLD_AGAIN);
    }

    private static String sentence(Stall stall) {
        return stall.cause().sentence.formatted(stall.offset());
    }

    private void publish(long now) {
        var lasting = new TreeMap<String, String>();
        lasting(now)
                .forEach((partition, stall) -> lasting.put(
                        partition.toString(),
                        "stands still, and %d records with it: %s".formatted(stall.behind(), sentence(stall))));
        sentences = lasting;
    }

    /** Those that last. */
    Map<TopicPartition, Stall> lasting(long now) {
        var lasting = new HashMap<TopicPartition, Stall>();
        known.forEach((partition, one) -> {
            if (one.lasts(now)) lasting.put(partition, one.stall());
        });
        return lasting;
    }

    /** Returns a sentence for each partition, by its name. From any thread. */
    Map<String, String> sentences() {
        return sentences;
    }
}
