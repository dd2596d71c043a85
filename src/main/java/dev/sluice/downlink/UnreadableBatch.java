package dev.sluice.downlink;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/**
 * Records that Kafka has and that cannot be read. Immutable.
 *
 * @param first offset of the first record that is not read
 * @param last that of the last one; {@link #UNKNOWN} where Kafka does not find the records behind
 * @param records how many there are, 1 where that is not known
 * @param bytes the whole batch as Kafka has it; null where it cannot be told from what follows
 * @param why a clause for people
 */
record UnreadableBatch(
        TopicPartition partition, long first, long last, int records, byte[] bytes, Cause cause, String why) {
    static final long UNKNOWN = -1;

    enum Cause {
        CORRUPT(
                "corrupt",
                "Ask the backend to send them again, and look for a disk or a replica of Kafka that is broken"),
        UNKNOWN_CODEC(
                "unknown_codec",
                "Let the backend compress by gzip, snappy, lz4, zstd or not at all, and send them again"),
        CODEC_UNAVAILABLE(
                "codec_unavailable",
                "Let this gateway load the codec's library, which needs a directory for temporary files that allows execution,"
                        + " or let the backend compress otherwise, and send them again"),
        UNDECODABLE("undecodable", "Ask the backend to send them again, by a client of Kafka that is in order");

        private final String code;
        private final String advice;

        Cause(String code, String advice) {
            this.code = code;
            this.advice = advice;
        }

        /** The value of the metric's label. */
        String code() {
            return code;
        }

        /** What an operator should do, without its full stop. */
        String advice() {
            return advice;
        }
    }

    boolean hasEnd() {
        return last != UNKNOWN;
    }

    /** Stands for all of them: the batch is the value. */
    ConsumerRecord<byte[], byte[]> record() {
        var headers = new RecordHeaders();
        headers.add("dead-letter-last-offset", Long.toString(last).getBytes(StandardCharsets.US_ASCII));
        return new ConsumerRecord<>(
                partition.topic(),
                partition.partition(),
                first,
                ConsumerRecord.NO_TIMESTAMP,
                TimestampType.NO_TIMESTAMP_TYPE,
                ConsumerRecord.NULL_SIZE,
                bytes.length,
                null,
                bytes,
                headers,
                Optional.empty());
    }

    @Override
    public String toString() {
        var where = !hasEnd() ? "offset " + first + " and what follows" : "offsets " + first + " to " + last;
        return "%s, partition %d, %s: %s".formatted(partition.topic(), partition.partition(), where, why);
    }
}
