package dev.sluice.uplink.producer;

import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.route.Failure;
import java.util.regex.Pattern;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnsupportedForMessageFormatException;

/**
 * The permanent refusal of a record: Kafka's, or the gateway's before Kafka is asked. A client gets its reason code, but none for a failure that may pass: a reason code of 0x80 or
 * more would keep it from sending again [MQTT-4.4.0-2]. Immutable.
 *
 * @param kind what dead letters and metrics call it
 * @param reason the code in the client's PUBACK or PUBREC; null where the client is to send its message again, and gets none
 * @param why a sentence, Kafka's message if it is Kafka's
 */
public record Refusal(Failure.Kind kind, ReasonCode reason, String why) {
    /** What brokers say of a record whose timestamp they do not take. */
    private static final Pattern TIMESTAMP =
            Pattern.compile("timestamp\\b.*\\bout of\\b.*\\brange", Pattern.CASE_INSENSITIVE);

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
     * Returns null for a failure that may pass. One of the whole cluster may: it is about what the gateway is allowed, and not about this
     * record.
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

    /**
     * Of a record with a timestamp that its Kafka topic does not take. Its message may be sent again, and has another one then.
     *
     * @param why a sentence
     */
    static Refusal ofTimestamp(String why) {
        return new Refusal(Failure.Kind.REJECTED_BY_KAFKA, null, why);
    }

    private static ReasonCode reason(Exception failure) {
        return switch (failure) {
            // Of one record only: the producer's batches are smaller than the segments of a topic.
            case RecordTooLargeException _, RecordBatchTooLargeException _ -> ReasonCode.QUOTA_EXCEEDED;
            case TopicAuthorizationException _ -> ReasonCode.NOT_AUTHORIZED;
            case InvalidRecordException late when isForTimestamp(late) -> null;
            case InvalidTopicException _ -> ReasonCode.TOPIC_NAME_INVALID;
            case InvalidRecordException _,
                    PolicyViolationException _,
                    SerializationException _,
                    UnsupportedForMessageFormatException _ -> ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR;
            default -> null;
        };
    }

    /**
     * Whether Kafka finds a record's timestamp out of range. That may pass: a message that is sent again has the time of its new receipt.
     * The producer says so with an exception of its own only where it is the one such record of its batch.
     *
     * @param failure null if there is none
     */
    public static boolean isForTimestamp(Exception failure) {
        return switch (failure) {
            case InvalidTimestampException _ -> true;
            case InvalidRecordException invalid ->
                invalid.getMessage() != null
                        && TIMESTAMP.matcher(invalid.getMessage()).find();
            case null, default -> false;
        };
    }

    /** Whether a smaller record might be taken. */
    public boolean isTooLarge() {
        return kind == Failure.Kind.REJECTED_BY_KAFKA && reason == ReasonCode.QUOTA_EXCEEDED;
    }

    /** Whether the record has come too late or too early, and its message may be sent again. */
    public boolean isForTimestamp() {
        return reason == null;
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
