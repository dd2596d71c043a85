package dev.sluice.uplink.record;

import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.Route;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Makes the record that stands for one which cannot be: the same key, value and headers, its number among them, and what went
 * wrong. Stateless.
 */
public final class DeadLetter {
    private static final String PREFIX = "dead-letter-";
    private static final String ERROR = PREFIX + "error";
    private static final String REASON = PREFIX + "reason";
    private static final String ROUTE = PREFIX + "route";
    private static final String REASON_CODE = PREFIX + "reason-code";
    private static final String KAFKA_TOPIC = PREFIX + "kafka-topic";
    private static final String PAYLOAD_BYTES = PREFIX + "payload-bytes";

    private DeadLetter() {}

    /** Whether a header's name is one that is made here, so that no route may add it. */
    public static boolean isReserved(String name) {
        return name.startsWith(PREFIX);
    }

    /**
     * @param kafkaTopic that of the dead letters
     * @param record the one that cannot be
     * @param told what the client is answered; null where it awaits no answer
     */
    public static ProducerRecord<byte[], byte[]> of(
            String kafkaTopic, ProducerRecord<byte[], byte[]> record, Route route, Failure failure, ReasonCode told) {
        var headers = new RecordHeaders(record.headers());
        headers.add(UplinkRecord.header(ERROR, failure.kind().code()));
        headers.add(UplinkRecord.header(REASON, failure.why()));
        headers.add(UplinkRecord.header(ROUTE, route.name()));
        if (told != null) headers.add(UplinkRecord.header(REASON_CODE, "0x%02X".formatted(told.value())));
        if (!record.topic().isEmpty()) headers.add(UplinkRecord.header(KAFKA_TOPIC, record.topic()));
        return new ProducerRecord<>(kafkaTopic, null, record.timestamp(), record.key(), record.value(), headers);
    }

    /**
     * Of a record of the spool, whose client has its acknowledgement.
     *
     * @param route null if it is not known
     * @param why a sentence
     */
    public static ProducerRecord<byte[], byte[]> ofSpooled(
            String kafkaTopic, ProducerRecord<byte[], byte[]> record, String route, String why) {
        var headers = new RecordHeaders(record.headers());
        if (route != null) headers.add(UplinkRecord.header(ROUTE, route));
        headers.add(UplinkRecord.header(ERROR, Failure.Kind.REJECTED_BY_KAFKA.code()));
        headers.add(UplinkRecord.header(REASON, why));
        headers.add(UplinkRecord.header(REASON_CODE, "0x00"));
        headers.add(UplinkRecord.header(KAFKA_TOPIC, record.topic()));
        // Kafka may have found its timestamp too old.
        return new ProducerRecord<>(kafkaTopic, null, null, record.key(), record.value(), headers);
    }

    /** The same without its value, for a Kafka that finds it too large. */
    public static ProducerRecord<byte[], byte[]> withoutPayload(ProducerRecord<byte[], byte[]> letter) {
        var headers = new RecordHeaders(letter.headers());
        headers.add(UplinkRecord.header(PAYLOAD_BYTES, "" + letter.value().length));
        return new ProducerRecord<>(letter.topic(), null, letter.timestamp(), letter.key(), null, headers);
    }
}
