package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.ReasonCode;

/** Bounds the memory of packets that have not arrived whole, and says why a connection ends for it. Any thread may use it. */
final class PartialPackets {
    private static final String KEY = "partial-packet-bytes-in-all";

    private final long most;
    private final PartialInput input;

    /** @param most bytes in all */
    PartialPackets(long most, int maximumPacketSize) {
        if (most < maximumPacketSize)
            throw new IllegalArgumentException("sluice.mqtt." + KEY + ": is " + most
                    + ", and has to be sluice.mqtt.maximum-packet-size, " + maximumPacketSize + ", or more");
        this.most = most;
        this.input = new PartialInput(most);
    }

    /** As {@link PartialInput#note} does. */
    void note(Runnable giveUp, int size) {
        input.note(giveUp, size);
    }

    /** Of a connection that has to go. */
    MqttFault fault() {
        return InputBounds.fault(
                ReasonCode.QUOTA_EXCEEDED,
                KEY,
                "more than " + most + " bytes are held of packets that are not whole, and this one began first");
    }

    long bytes() {
        return input.bytes();
    }
}
