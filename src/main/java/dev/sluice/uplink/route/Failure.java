package dev.sluice.uplink.route;

import dev.sluice.packet.ReasonCode;
import java.util.Locale;

/**
 * Why a message cannot have a record, for good. Immutable: any thread may use it.
 *
 * @param reason the code that the client gets
 * @param why a sentence without anything the client wrote
 */
public record Failure(Kind kind, ReasonCode reason, String why) {
    static final Failure UNMATCHED =
            new Failure(Kind.UNMATCHED, ReasonCode.TOPIC_NAME_INVALID, "no route takes this topic name");

    /** The kinds of failures that dead letters and metrics distinguish. */
    public enum Kind {
        UNMATCHED,
        TOPIC_ILLEGAL,
        PAYLOAD_TOO_LARGE,
        CONTRACT_BROKEN,
        KEY_MISSING,
        TOPIC_MISSING,
        REJECTED_BY_KAFKA;

        /** As dead letters and metrics name it: {@code contract-broken}. */
        public String code() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** @param mistake the end of a sentence */
    static Failure topicIllegal(Route route, String mistake) {
        return new Failure(
                Kind.TOPIC_ILLEGAL,
                ReasonCode.TOPIC_NAME_INVALID,
                "the Kafka topic " + route.kafkaTopic() + " of route " + route.name() + " " + mistake
                        + " for this message");
    }

    static Failure payloadTooLarge(Route route, int bytes) {
        return new Failure(
                Kind.PAYLOAD_TOO_LARGE,
                ReasonCode.QUOTA_EXCEEDED,
                "the payload has " + bytes + " bytes, more than the "
                        + route.spec().maximumPayload() + " of route " + route.name());
    }

    /** @param breach the end of a sentence */
    static Failure contractBroken(Route route, String breach) {
        return new Failure(
                Kind.CONTRACT_BROKEN,
                ReasonCode.PAYLOAD_FORMAT_INVALID,
                "the payload breaks the contract of route " + route.name() + ": " + breach);
    }
}
