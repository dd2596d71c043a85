package dev.sluice.uplink.record;

import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.HeaderNames;
import dev.sluice.uplink.route.Route;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * The record that tells Kafka of a message that did not get where it should: the same key, value and headers, with its number among them,
 * and then what went wrong. For both directions. Immutable.
 *
 * @param prefix begins the name of each header that is added
 * @param timestamp null for the time at which it is produced
 * @param value null without a payload
 */
public record DeadLetterRecord(String prefix, Long timestamp, byte[] key, byte[] value, List<Header> headers) {
    private static final String NO_ERROR = "0x00";

    /**
     * Makes the dead letter of a message that cannot have its record.
     *
     * @param record the one that cannot be
     * @param clientAnswer the reason code that the client gets; null where it awaits no answer
     */
    public static DeadLetterRecord ofMessage(
            ProducerRecord<byte[], byte[]> record, Route route, Failure failure, ReasonCode clientAnswer) {
        var added = new Added(HeaderNames.DEAD_LETTER, record.headers())
                .add(HeaderNames.ERROR, failure.kind().code())
                .add(HeaderNames.REASON, failure.why())
                .add(HeaderNames.ROUTE, route.name());
        if (clientAnswer != null) added.add(HeaderNames.REASON_CODE, "0x%02X".formatted(clientAnswer.value()));
        if (!record.topic().isEmpty()) added.add(HeaderNames.KAFKA_TOPIC, record.topic());
        return added.record(record.timestamp(), record.key(), record.value());
    }

    /**
     * Makes the dead letter of a record of the spool, whose client has its acknowledgement.
     *
     * @param route the route's name; null if it is not known
     * @param why a sentence
     */
    public static DeadLetterRecord ofSpooled(ProducerRecord<byte[], byte[]> record, String route, String why) {
        var added = new Added(HeaderNames.DEAD_LETTER, record.headers());
        if (route != null) added.add(HeaderNames.ROUTE, route);
        added.add(HeaderNames.ERROR, Failure.Kind.REJECTED_BY_KAFKA.code())
                .add(HeaderNames.REASON, why)
                .add(HeaderNames.REASON_CODE, NO_ERROR)
                .add(HeaderNames.KAFKA_TOPIC, record.topic());
        // Kafka may have found its timestamp too old.
        return added.record(null, record.key(), record.value());
    }

    /**
     * Makes the dead letter of a record that was read from Kafka, and did not reach its devices.
     *
     * @param prefix {@link HeaderNames#DEAD_LETTER} or {@link HeaderNames#UNDELIVERABLE}
     * @param why a sentence
     */
    public static DeadLetterRecord ofConsumed(
            ConsumerRecord<byte[], byte[]> record, String prefix, String error, String why) {
        return new Added(prefix, record.headers())
                .add(HeaderNames.ERROR, error)
                .add(HeaderNames.REASON, why)
                .add(HeaderNames.KAFKA_TOPIC, record.topic())
                .add(HeaderNames.PARTITION, Integer.toString(record.partition()))
                .add(HeaderNames.OFFSET, Long.toString(record.offset()))
                .record(null, record.key(), record.value());
    }

    /** Returns the same without its payload, for a Kafka that finds it too large. */
    public DeadLetterRecord withoutPayload() {
        if (value == null) return this;
        var all = new ArrayList<>(headers);
        all.add(UplinkRecord.header(prefix + HeaderNames.PAYLOAD_BYTES, Integer.toString(value.length)));
        return new DeadLetterRecord(prefix, timestamp, key, null, List.copyOf(all));
    }

    public ProducerRecord<byte[], byte[]> to(String kafkaTopic) {
        return new ProducerRecord<>(kafkaTopic, null, timestamp, key, value, headers);
    }

    /** The headers of the original record, and those that are added. */
    private static final class Added {
        private final String prefix;
        private final List<Header> headers = new ArrayList<>();

        Added(String prefix, Headers original) {
            this.prefix = prefix;
            original.forEach(headers::add);
        }

        Added add(String name, String value) {
            headers.add(UplinkRecord.header(prefix + name, value));
            return this;
        }

        DeadLetterRecord record(Long timestamp, byte[] key, byte[] value) {
            return new DeadLetterRecord(prefix, timestamp, key, value, List.copyOf(headers));
        }
    }
}
