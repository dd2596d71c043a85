package dev.sluice.downlink;

import dev.sluice.uplink.record.DeadLetterRecord;
import dev.sluice.uplink.route.HeaderNames;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The record that tells Kafka of one that did not arrive: the record itself, and why. Immutable.
 *
 * @param prefix begins the names of the headers that are added
 */
record Letter(
        DownlinkRecord command, DownlinkOutcome ending, String prefix, String error, String reason, boolean hasValue) {
    static Letter dead(DownlinkRecord command, DownlinkOutcome.Dead ending) {
        return new Letter(command, ending, HeaderNames.DEAD_LETTER, ending.error(), ending.reason(), hasValue(command));
    }

    static Letter undeliverable(DownlinkRecord command, DownlinkOutcome.Undeliverable ending) {
        var why = ending.why();
        return new Letter(command, ending, HeaderNames.UNDELIVERABLE, why.code(), why.sentence(), hasValue(command));
    }

    private static boolean hasValue(DownlinkRecord command) {
        return command.record().value() != null;
    }

    /** The same for a Kafka that finds it too large. */
    Letter withoutValue() {
        return new Letter(command, ending, prefix, error, reason, false);
    }

    ProducerRecord<byte[], byte[]> record(String kafkaTopic) {
        var letter = DeadLetterRecord.ofConsumed(command.record(), prefix, error, reason);
        return (hasValue ? letter : letter.withoutPayload()).to(kafkaTopic);
    }

    @Override
    public String toString() {
        var record = command.record();
        return "the record of %s, partition %d, offset %d"
                .formatted(record.topic(), record.partition(), record.offset());
    }
}
