package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.config.DownlinkConfig.UnreadablePolicy;
import dev.sluice.uplink.producer.UplinkProducer;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * One life of the Kafka consumer: takes records while there is room, hands them to the queues of their topics, and commits what is done with. Confined
 * to the downlink's thread, except for {@link #execute}, by which everybody else tells it something.
 */
final class DownlinkConsumer implements Executor, ConsumerRebalanceListener, AutoCloseable {
    private static final Logger LOG = Logger.getLogger(DownlinkConsumer.class);

    private static final Duration TICK = Duration.ofMillis(50);
    private static final Duration IDLE = Duration.ofMillis(250);
    private static final Duration COMMIT_INTERVAL = Duration.ofMillis(100);
    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);
    private static final Duration COMMIT_TIME = Duration.ofSeconds(1);
    /** For what clients, PostgreSQL and Kafka are about to answer when the gateway stops. */
    private static final Duration FINISH_TIME = Duration.ofMillis(1500);

    private final DownlinkConfig config;
    private final RecordReader reader;
    private final DownlinkMeters meters;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TopicQueues queues;
    private final LetterBox deadLetters;
    /** Null if nobody wants to know of undeliverable records. */
    private final LetterBox undeliverable;

    private final Partitions partitions;
    private final PartitionWatch watch;
    private final Standstills standstills = new Standstills();
    private final Offsets offsets;
    private final Lookout lookout;
    private final Detour detour;
    /** Answers of clients, PostgreSQL and Kafka. */
    private final ConcurrentLinkedQueue<Runnable> mailbox = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean polling = new AtomicBoolean();
    private Set<String> subscribed = Set.of();
    private long tickAt = System.nanoTime();
    private long commitAt = tickAt;
    private long lookAt = tickAt;

    DownlinkConsumer(
            Map<String, Object> properties,
            DownlinkConfig config,
            String deadLetterTopic,
            RecordReader reader,
            Broker broker,
            UplinkProducer producer,
            PartitionWatch watch,
            DownlinkMeters meters) {
        this.config = config;
        this.reader = reader;
        this.watch = watch;
        this.meters = meters;
        this.consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        this.partitions = new Partitions(config);
        this.offsets = new Offsets(consumer);
        this.lookout = new Lookout(consumer, offsets, partitions, standstills, meters, this::beginAnew);
        this.detour = new Detour(properties, consumer, partitions.all(), standstills, this::take, this::unreadable);
        this.queues = new TopicQueues(broker, config, this, this::ended);
        this.deadLetters = new LetterBox(deadLetterTopic, producer, this, this::arrived, this::abandoned);
        this.undeliverable = config.undeliverableTopic()
                .map(kafkaTopic -> new LetterBox(kafkaTopic, producer, this, this::arrived, this::abandoned))
                .orElse(null);
    }

    /** From any thread. */
    @Override
    public void execute(Runnable task) {
        mailbox.add(task);
        if (polling.compareAndSet(true, false)) consumer.wakeup();
    }

    /** Takes what has come, and gives it its turn; waits a little for something to come. */
    void turn(Set<String> kafkaTopics) {
        if (!kafkaTopics.equals(subscribed)) {
            subscribed = kafkaTopics;
            consumer.subscribe(kafkaTopics, this);
        }
        learnPositions();
        holdBack();
        for (var record : poll(queues.isEmpty() && letters() == 0 ? IDLE : TICK)) take(record);
        for (var task = mailbox.poll(); task != null; task = mailbox.poll()) task.run();
        var now = System.nanoTime();
        if (now - tickAt >= 0) tick(now);
        if (now - commitAt >= 0) commit(now);
        if (now - lookAt >= 0) {
            lookAt = now + LOOK_INTERVAL.toNanos();
            lookout.look(watch.look(), now);
        }
        meters.inFlight(partitions.open());
        meters.waiting(partitions.waiting());
        meters.lettersWaiting(letters());
        meters.up(standstills.isEmpty() && lookout.stalls().sentences().isEmpty());
    }

    private int letters() {
        return deadLetters.size() + (undeliverable == null ? 0 : undeliverable.size());
    }

    /** A slow consumer polls on, without taking anything, so that its partitions stay its own. */
    private void holdBack() {
        var isFull = queues.isStopping() || partitions.areFull();
        var room = partitions.room();
        var held = new HashSet<TopicPartition>();
        for (var one : partitions.all())
            if (isFull || !one.isKnown() || standstills.isResting(one.partition()) || Partitions.isUsedUp(one, room))
                held.add(one.partition());
        var released = new HashSet<>(consumer.paused());
        var more = new HashSet<>(held);
        more.removeAll(released);
        released.removeAll(held);
        if (!more.isEmpty()) consumer.pause(more);
        if (!released.isEmpty()) consumer.resume(released);
    }

    /** Nothing is taken before it is known from where: after a poll that fails, what it had in hand is read again from there. */
    private void learnPositions() {
        for (var one : partitions.all()) {
            if (one.isKnown()) continue;
            one.begins(offsets.positionAtOnce(one.partition()));
            if (!one.isKnown()) return;
        }
    }

    private ConsumerRecords<byte[], byte[]> poll(Duration patience) {
        try {
            var records = pollOnce(patience);
            if (!standstills.isEmpty()) standstills.polled(offsets::positionAtOnce);
            return records;
        } catch (AuthenticationException | AuthorizationException | InterruptException refused) {
            throw refused;
        } catch (RuntimeException | LinkageError failed) {
            if (!detour.isTaken()) throw failed;
            return ConsumerRecords.empty();
        }
    }

    private ConsumerRecords<byte[], byte[]> pollOnce(Duration patience) {
        polling.set(true);
        try {
            return consumer.poll(mailbox.isEmpty() ? patience : Duration.ZERO);
        } catch (WakeupException _) {
            return ConsumerRecords.empty();
        } finally {
            polling.set(false);
        }
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
        var partition = new TopicPartition(record.topic(), record.partition());
        var from = partitions.of(partition);
        if (from == null || from.isBack()) return; // taken away within the very poll
        if (record.offset() < from.next()) {
            from.wentBack(record.offset());
            return;
        }
        standstills.passed(partition, record.offset());
        var command = begin(record, from, record.offset() + 1);
        try {
            command.reads(reader.read(record, System.currentTimeMillis()));
        } catch (BadRecord bad) {
            ended(command, new DownlinkOutcome.Dead("downlink-bad-record", bad.getMessage()));
            return;
        }
        queues.add(command);
    }

    private DownlinkRecord begin(ConsumerRecord<byte[], byte[]> record, Progress from, long next) {
        var command = new DownlinkRecord(record, from, System.nanoTime());
        from.begun(command, next);
        return command;
    }

    /** All in front of it were taken. */
    private void unreadable(UnreadableBatch batch) {
        if (config.unreadable() == UnreadablePolicy.WAIT || !batch.hasEnd()) {
            if (standstills.add(batch)) meters.unreadable(batch);
            return;
        }
        meters.unreadable(batch);
        LOG.errorf(
                "records of the downlink cannot be read, become a dead letter, and hold up nothing: %s. %s",
                batch, batch.cause().advice());
        var command = begin(batch.record(), partitions.of(batch.partition()), batch.last() + 1);
        ended(command, new DownlinkOutcome.Dead("downlink-unreadable", batch.why()));
    }

    private void ended(DownlinkRecord command, DownlinkOutcome ending) {
        switch (ending) {
            case DownlinkOutcome.Delivered _, DownlinkOutcome.Expired _ -> done(command, ending);
            case DownlinkOutcome.Dead dead -> {
                log("is a dead letter: " + dead.reason(), command);
                deadLetters.add(Letter.dead(command, dead));
            }
            case DownlinkOutcome.Undeliverable lost -> {
                log("is undeliverable: " + lost.why().sentence(), command);
                if (undeliverable == null) done(command, ending);
                else undeliverable.add(Letter.undeliverable(command, lost));
            }
        }
    }

    private void arrived(Letter letter) {
        done(letter.command(), letter.ending());
    }

    /** Kafka will never take it. */
    private void abandoned(Letter letter) {
        meters.abandoned();
        done(letter.command());
    }

    private void done(DownlinkRecord command, DownlinkOutcome ending) {
        meters.ended(command, ending);
        done(command);
    }

    private static void log(String what, DownlinkRecord command) {
        var record = command.record();
        LOG.debugf("%s partition %d offset %d %s", record.topic(), record.partition(), record.offset(), what);
    }

    private void done(DownlinkRecord command) {
        command.progress().ended(command);
    }

    private void tick(long now) {
        tickAt = now + TICK.toNanos();
        partitions.age(now);
        queues.tick(now);
        deadLetters.send();
        if (undeliverable != null) undeliverable.send();
    }

    private void commit(long now) {
        commitAt = now + COMMIT_INTERVAL.toNanos();
        var offsets = partitions.toCommit();
        if (offsets.isEmpty()) return;
        consumer.commitAsync(offsets, (_, failure) -> {
            if (failure == null) return;
            LOG.debugf("offsets are committed again: %s", failure.getMessage());
            partitions.notCommitted();
        });
    }

    private void commitNow(Map<TopicPartition, OffsetAndMetadata> offsets) {
        if (offsets.isEmpty()) return;
        try {
            try {
                consumer.commitSync(offsets, COMMIT_TIME);
            } catch (WakeupException _) { // meant for the poll that was just over
                consumer.commitSync(offsets, COMMIT_TIME);
            }
        } catch (KafkaException failed) {
            LOG.debugf("offsets are not committed, so that records come again: %s", failed.getMessage());
        }
    }

    private void beginAnew(TopicPartition partition, long next) {
        onPartitionsLost(List.of(partition));
        partitions.beginAnew(new Progress(partition, next, Progress.NOTHING));
        consumer.seek(partition, next);
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
        var answers = true;
        for (var partition : assigned) {
            var next = answers ? offsets.position(partition) : Progress.NOTHING;
            answers &= next != Progress.NOTHING;
            partitions.begin(new Progress(partition, next, next));
            if (!answers) consumer.pause(List.of(partition));
        }
        watch.watch(consumer.assignment());
        if (!assigned.isEmpty()) LOG.infof("commands come from %s", assigned);
    }

    /** Returns a sentence for each partition that stands still, by its name. From any thread. */
    Map<String, String> standstills() {
        var all = new TreeMap<>(lookout.stalls().sentences());
        all.putAll(standstills.sentences());
        return all;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        commitNow(partitions.toCommit(revoked));
        onPartitionsLost(revoked);
    }

    /** Another replica begins with what was not committed. */
    @Override
    public void onPartitionsLost(Collection<TopicPartition> gone) {
        for (var partition : gone) {
            standstills.lost(partition);
            var lost = partitions.remove(partition);
            if (lost == null) continue;
            lost.close();
            queues.drop(lost);
            deadLetters.drop(lost);
            if (undeliverable != null) undeliverable.drop(lost);
        }
    }

    /** Takes nothing more, finishes what can be finished shortly, and says how far it has come. */
    void finish() {
        queues.stop();
        var until = System.nanoTime() + FINISH_TIME.toNanos();
        while ((queues.isUnderWay() || letters() > 0) && System.nanoTime() - until < 0) turn(subscribed);
        commitNow(partitions.toCommit());
    }

    /** Leaves the group at once: a replica that is killed takes its place again, one that is stopped may not come back. */
    @Override
    public void close() {
        meters.inFlight(0);
        meters.waiting(0);
        meters.lettersWaiting(0);
        meters.up(false);
        try {
            consumer.close(CloseOptions.timeout(COMMIT_TIME)
                    .withGroupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
        } catch (KafkaException failed) {
            LOG.debugf("the consumer of the downlink is not closed well: %s", failed.getMessage());
        }
    }
}
