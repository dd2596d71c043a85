package dev.sluice.codec;

import dev.sluice.packet.ReasonCode;

/** A refusal that carries its own answer: the reason code for the wire and a sentence for the log and the Reason String. */
public final class MqttFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ReasonCode reason;

    public MqttFault(ReasonCode reason, String message) {
        super(message, null, false, false);
        this.reason = reason;
    }

    public ReasonCode reason() {
        return reason;
    }
}
