package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ReasonCode;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;

class RefusalTest {
    /** As Kafka's broker words it (LogValidator), and as its error INVALID_TIMESTAMP does. */
    private static final String OUT_OF_RANGE =
            "Timestamp 1796000000000 of message with offset 3 is out of range. The timestamp should be within [0, 1795000000000]";

    private static final String OUT_OF_ACCEPTABLE_RANGE = "The timestamp of the message is out of acceptable range.";

    /** The producer makes an InvalidTimestampException only of the one refused record of a batch. */
    @Test
    void aTimestampOutOfRangeIsNoRefusalHoweverManyShareTheBatch() {
        assertThat(Refusal.of(new InvalidTimestampException(OUT_OF_RANGE))).isNull();
        assertThat(Refusal.of(new InvalidRecordException(OUT_OF_RANGE))).isNull();
        assertThat(Refusal.of(new InvalidRecordException(OUT_OF_ACCEPTABLE_RANGE)))
                .isNull();
    }

    @Test
    void anotherInvalidRecordIsRefused() {
        var refusal = Refusal.of(new InvalidRecordException("Compacted topic cannot accept message without key"));
        assertThat(refusal.reason()).isEqualTo(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
        assertThat(Refusal.of(new InvalidRecordException(null)).reason())
                .isEqualTo(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR);
    }

    /** The gateway's own right to write at all: an operator's slip, which must not cost a fleet its messages. */
    @Test
    void onlyTheRightsOnATopicRefuseARecord() {
        assertThat(Refusal.of(new TopicAuthorizationException("fleet")).reason())
                .isEqualTo(ReasonCode.NOT_AUTHORIZED);
        assertThat(Refusal.of(new ClusterAuthorizationException("not authorized to do idempotent sends")))
                .isNull();
    }
}
