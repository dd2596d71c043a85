package dev.sluice.uplink.producer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/** Knows the flow of each partition of one Kafka topic. Any thread. */
final class TopicFlow {
    /** A partition that seldom has a record still moves. */
    private static final int SELDOM = 10;

    private final String kafkaTopic;
    /** Of records for which nobody but Kafka's producer chooses a partition, or while it is not known how many there are. */
    private final PartitionFlow any = new PartitionFlow();
    /** As many as the topic ever had: some may hold records that came before it had fewer. */
    private volatile PartitionFlow[] partitions = {};

    private volatile int count;
    /** When it was last seen to have fewer than before; nanoseconds of the JVM's clock. */
    private volatile long shrunkAt;

    /** The look after that. */
    private volatile int shrunkLook;

    private final Movement movement = new Movement();
    /** The shortage of buffer in which Kafka was asked for it last. */
    private volatile int toldIn;

    TopicFlow(String kafkaTopic) {
        this.kafkaTopic = kafkaTopic;
    }

    /**
     * Notes how many partitions the topic has.
     *
     * @param look the number of the next look
     */
    synchronized void learn(int now, int look) {
        if (now == count) return;
        grow(now);
        if (now < count) {
            shrunkAt = System.nanoTime();
            shrunkLook = look;
        }
        count = now;
    }

    String kafkaTopic() {
        return kafkaTopic;
    }

    /** Whether the topic has had fewer partitions than before for so long. */
    boolean isShrunkFor(long now, Duration time) {
        return count < partitions.length && now - shrunkAt > time.toNanos();
    }

    /** Records that came before this look may have come before the topic had fewer partitions. */
    int shrunkLook() {
        return shrunkLook;
    }

    /** Whether records of this flow may go to a partition that is no more. */
    boolean mayBeLost(PartitionFlow flow) {
        return flow == any || Arrays.stream(partitions).skip(count).anyMatch(lost -> lost == flow);
    }

    /** Forgets the partitions that are no more, as nothing is held for them. */
    synchronized void forgetLost() {
        partitions = Arrays.copyOf(partitions, count);
    }

    private void grow(int size) {
        var known = partitions;
        if (size <= known.length) return;
        var grown = Arrays.copyOf(known, size);
        for (int i = known.length; i < size; i++) grown[i] = new PartitionFlow();
        partitions = grown;
    }

    /** Whether it is known how many partitions the topic has. */
    boolean isKnown() {
        return count > 0;
    }

    /** The flow that a record belongs to. With a partitioner of the operator's own, records with one key share one all the same. */
    PartitionFlow of(Integer partition, byte[] key) {
        var now = count;
        if (partition == null && (key == null || now == 0)) return any;
        var number = partition != null ? partition : BuiltInPartitioner.partitionForKey(key, now);
        var known = partitions;
        return number < known.length ? known[number] : any;
    }

    void end(PartitionFlow flow, boolean isAcknowledged) {
        flow.end(isAcknowledged);
        if (isAcknowledged) movement.note();
    }

    void look(long now) {
        movement.look(now);
        any.look(now);
        for (var partition : partitions) partition.look(now);
    }

    /**
     * Whether something has waited for so long, and Kafka has acknowledged nothing for the topic meanwhile. Or whether more partitions stand still
     * like that than have moved lately: the few that move go through the spool with the others then.
     */
    boolean isStill(long now, Duration time) {
        var still = still(now, time).size();
        return still > 0 && (movement.isStill(now, time) || still > moving(now, time));
    }

    private long moving(long now, Duration time) {
        return Arrays.stream(partitions)
                .filter(it -> !it.isStill(now, time) && it.hasMoved(now, time.multipliedBy(SELDOM)))
                .count();
    }

    /** The partitions for which something has waited for so long, and Kafka has acknowledged nothing meanwhile. */
    List<Standstill> still(long now, Duration time) {
        var still = new ArrayList<Standstill>(0);
        if (any.isStill(now, time)) still.add(new Standstill(kafkaTopic, Standstill.ANY));
        var known = partitions;
        for (int i = 0; i < known.length; i++)
            if (known[i].isStill(now, time)) still.add(new Standstill(kafkaTopic, i));
        return still;
    }

    boolean isIdle(long now) {
        return any.isIdle(now) && Arrays.stream(partitions).allMatch(it -> it.isIdle(now));
    }

    boolean isTold(int shortage) {
        return toldIn == shortage;
    }

    /**
     * Kafka has been asked for the topic.
     *
     * @param couldTake of a partition, or of {@link Standstill#ANY}
     */
    void tellWritable(int shortage, IntPredicate couldTake) {
        toldIn = shortage;
        any.writableIn(couldTake.test(Standstill.ANY) ? shortage : 0);
        var known = partitions;
        for (int i = 0; i < known.length; i++) known[i].writableIn(couldTake.test(i) ? shortage : 0);
    }
}
