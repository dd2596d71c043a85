package dev.sluice.uplink.producer;

import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.route.Failure;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;

/**
 * The permanent refusal of a record: Kafka's, or the gateway's before Kafka is asked. A client gets its reason code, but none for a failure that may pass: a reason code of 0x80 or
 * more would keep it from sending again [MQTT-4.4.0-2]. Immutable.
 *
 * @param kind what dead letters and metrics call it
 * @param reason the code in the client's PUBACK or PUBREC
 * @param why a sentence, Kafka's message if it is Kafka's
 */
public record Refusal(Failure.Kind kind, ReasonCode reason, String why) {
    private static final Refusal KEY_MISSING = new Refusal(
            Failure.Kind.KEY_MISSING,
            ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
            "the Kafka topic is compacted and takes no record without a key, and the key of the route comes out empty");

    private static final Refusal TOPIC_MISSING = new Refusal(
            Failure.Kind.TOPIC_MISSING,
            ReasonCode.TOPIC_NAME_INVALID,
            "the Kafka topic that the route makes of this message does not exist");

    private static final Refusal TOO_MANY_TOPICS = new Refusal(
            Failure.Kind.TOPIC_MISSING,
            ReasonCode.QUOTA_EXCEEDED,
            "the Kafka topic that the route makes of this message does not exist, and as many were made as may be");

    /**
     * Returns null for a failure that may pass.
     *
     * @param failure null if there is none: then there is no refusal either
     */
    public static Refusal of(Exception failure) {
        var reason = failure == null ? null : reason(failure);
        return reason == null ? null : new Refusal(Failure.Kind.REJECTED_BY_KAFKA, reason, failure.getMessage());
    }

    /** Of a record for a topic that Kafka does not have. */
    public static Refusal topicMissing() {
        return TOPIC_MISSING;
    }

    /** The same, of a topic that may be made, but for the bound of how many. */
    public static Refusal tooManyTopics() {
        return TOO_MANY_TOPICS;
    }

    /** Of a record without a key, for a topic that is compacted: Kafka would refuse it together with others. */
    static Refusal keyMissing() {
        return KEY_MISSING;
    }

    private static ReasonCode reason(Exception failure) {
        return switch (failure) {
            // Of one record only: the producer's batches are smaller than the segments of a topic.
            case RecordTooLargeException _, RecordBatchTooLargeException _ -> ReasonCode.QUOTA_EXCEEDED;
            case AuthorizationException _ -> ReasonCode.NOT_AUTHORIZED;
            case InvalidTopicException _ -> ReasonCode.TOPIC_NAME_INVALID;
            case InvalidRecordException _,
                    PolicyViolationException _,
                    SerializationException _,
                    UnsupportedForMessageFormatException _ -> ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR;
            default -> null;
        };
    }

    /** Whether a smaller record might be taken. */
    public boolean isTooLarge() {
        return kind == Failure.Kind.REJECTED_BY_KAFKA && reason == ReasonCode.QUOTA_EXCEEDED;
    }

    /** Whether an operator may yet allow it. */
    public boolean isForbidden() {
        return reason == ReasonCode.NOT_AUTHORIZED;
    }

    /** The failure of a message whose record was refused. */
    public Failure failure() {
        return new Failure(kind, reason, why);
    }
}
