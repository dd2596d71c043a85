package dev.sluice.downlink;

import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jboss.logging.Logger;

/**
 * Asks the downlink's consumer for offsets, for a bounded time: each answer is {@link Progress#NOTHING} where none comes. Confined to the
 * downlink's thread.
 */
final class Offsets {
    private static final Logger LOG = Logger.getLogger(Offsets.class);
    private static final Duration TIME = Duration.ofSeconds(1);
    private static final Duration A_MOMENT = Duration.ofMillis(20);

    private final KafkaConsumer<byte[], byte[]> consumer;

    Offsets(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    /** Of the next record that the consumer reads. */
    long position(TopicPartition partition) {
        return ask(partition, () -> consumer.position(partition, TIME));
    }

    /** The same, if the consumer knows it or is just learning it. */
    long positionAtOnce(TopicPartition partition) {
        return ask(partition, () -> consumer.position(partition, A_MOMENT));
    }

    /** Of the first record that Kafka has. */
    long beginning(TopicPartition partition) {
        return ask(partition, () -> consumer.beginningOffsets(List.of(partition), TIME)
                .getOrDefault(partition, Progress.NOTHING));
    }

    private static long ask(TopicPartition partition, LongSupplier question) {
        try {
            try {
                return question.getAsLong();
            } catch (WakeupException _) { // was meant for the poll; the mailbox has its turn in any case
                return question.getAsLong();
            }
        } catch (KafkaException unknown) {
            LOG.debugf(unknown, "an offset of %s is not known yet", partition);
            return Progress.NOTHING;
        }
    }
}
