package dev.sluice.downlink;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Leads the downlink's consumer past a batch that it cannot read, without losing a record that can be read. Confined to the
 * downlink's thread, which it blocks for some seconds at most.
 */
final class Detour {
    private static final Logger LOG = Logger.getLogger(Detour.class);
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final Duration POLL = Duration.ofMillis(100);
    /** Records in front of an unreadable batch that are taken at once; the others come with the next detour. */
    private static final int MOST = 500;
    /** Attempts in turn that have found nothing as Kafka was too slow. */
    private static final int MOST_FRUITLESS = 5;

    private final Map<String, Object> properties;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Collection<Progress> progress;
    private final Standstills standstills;
    private final Consumer<ConsumerRecord<byte[], byte[]>> take;
    private final Consumer<UnreadableBatch> unreadable;
    private int fruitless;

    /**
     * @param take gets each record in front of the batch
     * @param unreadable gets the batch, when all records in front of it were taken
     */
    Detour(
            Map<String, Object> properties,
            KafkaConsumer<byte[], byte[]> consumer,
            Collection<Progress> progress,
            Standstills standstills,
            Consumer<ConsumerRecord<byte[], byte[]>> take,
            Consumer<UnreadableBatch> unreadable) {
        this.properties = properties;
        this.consumer = consumer;
        this.progress = progress;
        this.standstills = standstills;
        this.take = take;
        this.unreadable = unreadable;
    }

    /**
     * Called when a poll has failed. False if no unreadable batch was the cause, or if Kafka is so slow that this has not been found out
     * in several attempts.
     *
     * @throws org.apache.kafka.common.KafkaException when Kafka refuses something
     */
    boolean isTaken() {
        // What the poll had already in hand is lost with it, of every partition.
        for (var one : progress) if (!one.isKnown()) return false;
        returnToProgress();
        try (var scan = new BatchScan(properties)) {
            var found = false;
            var late = false;
            var slow = new HashSet<Integer>();
            for (var one : progress) {
                if (standstills.isResting(one.partition())) continue;
                var batch = find(scan, one, slow);
                if (batch.isEmpty()) continue;
                if (passes(one, batch.get())) found = true;
                else late = true;
            }
            returnToProgress();
            fruitless = found ? 0 : fruitless + 1;
            return found || (late || !slow.isEmpty()) && fruitless < MOST_FRUITLESS;
        } catch (WakeupException _) { // meant for the poll that was just over
            returnToProgress();
            return true;
        } catch (IOException broken) {
            LOG.debug("the look at the batches of the downlink does not end", broken);
            return false;
        }
    }

    private void returnToProgress() {
        for (var one : progress) consumer.seek(one.partition(), one.next());
    }

    /** @param slow the brokers that have not answered; each is waited for once */
    private Optional<UnreadableBatch> find(BatchScan scan, Progress one, Set<Integer> slow) {
        var leader = leader(one.partition());
        if (leader.isEmpty() || slow.contains(leader.get().id())) return Optional.empty();
        try {
            return scan.find(leader.get(), one.partition(), one.next());
        } catch (IOException | ApiException away) {
            LOG.debugf(away, "%s does not show the batches of %s", leader.get(), one.partition());
            slow.add(leader.get().id());
            return Optional.empty();
        }
    }

    private Optional<Node> leader(TopicPartition partition) {
        return consumer.partitionsFor(partition.topic(), PATIENCE).stream()
                .filter(it -> it.partition() == partition.partition())
                .map(PartitionInfo::leader)
                .filter(it -> it != null && !it.isEmpty())
                .findFirst();
    }

    /** False if it has not come any further. */
    private boolean passes(Progress one, UnreadableBatch batch) {
        var before = one.next();
        if (before == batch.first() || hasReadUntil(batch.first(), one)) {
            unreadable.accept(batch);
            return true;
        }
        return one.next() > before;
    }

    /** Record by record, so that the exception costs none of those in front. */
    private boolean hasReadUntil(long offset, Progress one) {
        var partition = one.partition();
        try (var careful =
                new KafkaConsumer<>(carefulProperties(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            careful.assign(List.of(partition));
            careful.seek(partition, one.next());
            var until = System.nanoTime() + PATIENCE.toNanos();
            for (int taken = 0; taken < MOST && System.nanoTime() - until < 0; ) {
                ConsumerRecords<byte[], byte[]> records;
                try {
                    records = careful.poll(POLL);
                } catch (AuthenticationException
                        | AuthorizationException
                        | InterruptException
                        | WakeupException refused) {
                    throw refused;
                } catch (RuntimeException | LinkageError _) {
                    // Nothing that can be read is left in front: at most offsets without a record, which end
                    // transactions
                    // or were compacted away.
                    return true;
                }
                for (var record : records) {
                    if (record.offset() >= offset) return true;
                    take.accept(record);
                    taken++;
                }
                if (careful.position(partition) >= offset) return true;
            }
            return false;
        }
    }

    private Map<String, Object> carefulProperties() {
        var careful = new HashMap<>(properties);
        careful.remove(ConsumerConfig.GROUP_ID_CONFIG);
        careful.remove(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
        careful.put(ConsumerConfig.CLIENT_ID_CONFIG, properties.get(ConsumerConfig.CLIENT_ID_CONFIG) + "-careful");
        careful.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
        return careful;
    }
}
