package dev.sluice.downlink;

/** The end of a record. */
sealed interface DownlinkOutcome {
    /** Everybody who is owed it has it, or will have it from PostgreSQL. */
    record Delivered() implements DownlinkOutcome {}

    record Expired() implements DownlinkOutcome {}

    /** It has not reached everybody; the backend gets a record of that, if it wants to. */
    record Undeliverable(Why why) implements DownlinkOutcome {}

    /** It cannot be delivered, whoever subscribes. */
    record Dead(String error, String reason) implements DownlinkOutcome {}

    enum Why {
        NO_SUBSCRIBER("no-subscriber", "nobody has subscribed to its topic"),
        CLIENT_LEFT("client-left", "a client went away before it had acknowledged it, and has not come back"),
        NOT_ACKNOWLEDGED("not-acknowledged", "a client has not acknowledged it in time, or has no room for it"),
        REJECTED("rejected", "a client has answered it with an error"),
        TOO_LARGE("too-large", "it is larger than its subscribers take");

        private final String code;
        private final String sentence;

        Why(String code, String sentence) {
            this.code = code;
            this.sentence = sentence;
        }

        String code() {
            return code;
        }

        String sentence() {
            return sentence;
        }
    }
}
