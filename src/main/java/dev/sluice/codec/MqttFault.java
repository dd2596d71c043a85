package dev.sluice.codec;

import dev.sluice.packet.ReasonCode;

/** A refusal that carries its own answer: the reason code for the wire and a sentence for the log and the Reason String. */
public final class MqttFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ReasonCode reason;
    private final String bound;

    public MqttFault(ReasonCode reason, String message) {
        this(reason, null, message);
    }

    /** @param bound the key below {@code sluice.mqtt} of the bound that was exceeded; null for none */
    MqttFault(ReasonCode reason, String bound, String message) {
        super(message, null, false, false);
        this.reason = reason;
        this.bound = bound;
    }

    public ReasonCode reason() {
        return reason;
    }

    /** The key below {@code sluice.mqtt} of the bound that was exceeded; null for none. */
    public String bound() {
        return bound;
    }
}
