package dev.sluice.downlink;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * Holds what Kafka shows of the downlink's partitions against what their consumer has made of them: how far it is behind, which ones
 * stand still and why, and which are not what they were. Confined to the downlink's thread.
 */
final class Lookout {
    private static final Logger LOG = Logger.getLogger(Lookout.class);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Offsets offsets;
    private final Partitions partitions;
    private final Standstills standstills;
    private final Stalls stalls = new Stalls();
    private final DownlinkMeters meters;
    private final Anew anew;

    /** Forgets all that was taken of a partition, and reads it from an offset on. */
    @FunctionalInterface
    interface Anew {
        void begin(TopicPartition partition, long next);
    }

    Lookout(
            KafkaConsumer<byte[], byte[]> consumer,
            Offsets offsets,
            Partitions partitions,
            Standstills standstills,
            DownlinkMeters meters,
            Anew anew) {
        this.consumer = consumer;
        this.offsets = offsets;
        this.partitions = partitions;
        this.standstills = standstills;
        this.meters = meters;
        this.anew = anew;
    }

    Stalls stalls() {
        return stalls;
    }

    void look(PartitionWatch.Look look, long now) {
        for (var one : List.copyOf(partitions.all())) {
            var seen = look.partitions().get(one.partition());
            if (seen != null) checkSame(one, seen, look.begunAt());
        }
        var room = partitions.room();
        var standing = new HashMap<TopicPartition, Stalls.Stall>();
        var rows = new ArrayList<DownlinkMeters.Standstill>();
        long lag = partitions.open();
        for (var one : partitions.all()) {
            var at = position(one);
            var seen = look.partitions().get(one.partition());
            var behind = behind(one, seen, at);
            lag += behind;
            var cause = cause(one, seen, at, behind, room);
            if (cause != null) standing.put(one.partition(), new Stalls.Stall(cause, at, behind));
            if (standstills.has(one.partition()))
                rows.add(new DownlinkMeters.Standstill(one.partition(), "unreadable", behind));
        }
        stalls.seen(standing, now);
        stalls.lasting(now)
                .forEach((partition, stall) -> rows.add(
                        new DownlinkMeters.Standstill(partition, stall.cause().code(), stall.behind())));
        meters.standstills(rows);
        meters.lag(lag);
    }

    private void checkSame(Progress one, PartitionWatch.Seen seen, long lookedAt) {
        if (one.isOfAnother(seen.topicId(), lookedAt))
            begin(one, offsets.beginning(one.partition()), "its topic was deleted and made again");
        else if (one.isBackSinceBefore(lookedAt))
            begin(one, one.backAt(), "Kafka has lost records of it, and has given their offsets to others");
    }

    private void begin(Progress one, long next, String why) {
        if (next == Progress.NOTHING) return;
        LOG.warnf(
                "%s of the downlink begins anew at offset %d, and what was taken of it and not delivered is dropped: %s",
                one.partition(), next, why);
        anew.begin(one.partition(), next);
    }

    /** Behind the ends of transactions, too, which are no records. */
    private long position(Progress one) {
        if (consumer.currentLag(one.partition()).isEmpty()) return one.next();
        return Math.max(one.next(), offsets.positionAtOnce(one.partition()));
    }

    private long behind(Progress one, PartitionWatch.Seen seen, long at) {
        var lag = consumer.currentLag(one.partition()).orElse(0);
        return seen == null || !seen.isKnown() || at < 0 ? lag : Math.max(lag, seen.end() - at);
    }

    /** Why it stands still at this moment, null if it does not. */
    private static Stalls.Cause cause(Progress one, PartitionWatch.Seen seen, long at, long behind, long room) {
        if (seen != null && !seen.hasLeader()) return Stalls.Cause.NO_LEADER;
        if (behind <= 0) return null;
        if (seen != null && seen.isKnown() && at >= seen.stable() && seen.stable() < seen.end())
            return Stalls.Cause.TRANSACTION;
        return Partitions.isUsedUp(one, room) ? Stalls.Cause.WAITING : null;
    }
}
