package dev.sluice.uplink.producer;

import dev.sluice.packet.ReasonCode;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;

/**
 * Tells Kafka's permanent refusals, which a client is told of, from failures that may pass, which it must not be told of:
 * a reason code of 0x80 or more would keep it from sending again [MQTT-4.4.0-2]. Stateless.
 */
public final class Refusal {
    private Refusal() {}

    /** The reason code of a PUBACK or PUBREC for a permanent refusal, null for a failure that may pass. */
    public static ReasonCode of(Exception failure) {
        return switch (failure) {
            case RecordTooLargeException _ -> ReasonCode.QUOTA_EXCEEDED;
            case AuthorizationException _ -> ReasonCode.NOT_AUTHORIZED;
            case InvalidTopicException _ -> ReasonCode.TOPIC_NAME_INVALID;
            case InvalidRecordException _,
                    PolicyViolationException _,
                    SerializationException _,
                    UnsupportedForMessageFormatException _ -> ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR;
            default -> null;
        };
    }
}
