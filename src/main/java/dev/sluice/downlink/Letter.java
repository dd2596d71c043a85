package dev.sluice.downlink;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * What Kafka is told of a record that did not arrive: the record itself, and why. Immutable.
 *
 * @param prefix begins the names of the headers that are added
 */
record Letter(Command command, Ending ending, String prefix, String error, String reason, boolean hasValue) {
    static Letter dead(Command command, Ending.Dead ending) {
        return new Letter(command, ending, "dead-letter-", ending.error(), ending.reason(), hasValue(command));
    }

    static Letter undeliverable(Command command, Ending.Undeliverable ending) {
        var why = ending.why();
        return new Letter(command, ending, "undeliverable-", why.code(), why.sentence(), hasValue(command));
    }

    private static boolean hasValue(Command command) {
        return command.record().value() != null;
    }

    /** The same for a Kafka that finds it too large. */
    Letter withoutValue() {
        return new Letter(command, ending, prefix, error, reason, false);
    }

    ProducerRecord<byte[], byte[]> record(String kafkaTopic) {
        var original = command.record();
        var headers = new ArrayList<>(List.of(original.headers().toArray()));
        headers.add(header("error", error));
        headers.add(header("reason", reason));
        headers.add(header("kafka-topic", original.topic()));
        headers.add(header("partition", Integer.toString(original.partition())));
        headers.add(header("offset", Long.toString(original.offset())));
        if (!hasValue && original.value() != null)
            headers.add(header("payload-bytes", Integer.toString(original.value().length)));
        return new ProducerRecord<>(
                kafkaTopic, null, null, original.key(), hasValue ? original.value() : null, headers);
    }

    private Header header(String name, String value) {
        return new RecordHeader(prefix + name, value.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
        var record = command.record();
        return "the record of %s, partition %d, offset %d"
                .formatted(record.topic(), record.partition(), record.offset());
    }
}
