package dev.sluice.support;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * One CONNECT and how it was answered. Immutable.
 *
 * @param reason null when the gateway could not be reached or said nothing
 */
public record Knock(ReasonCode reason, Duration took) {
    private static final int PATIENCE_MILLIS = 15_000;

    public static Knock at(int port, ProtocolVersion version, String clientId) {
        var start = System.nanoTime();
        ReasonCode reason = null;
        try (var socket = ClientSocket.open(port, version)) {
            socket.readTimeout(PATIENCE_MILLIS);
            socket.write(List.of(new Packet.Connect(version, true, 0, clientId, null, null, null, Properties.NONE)));
            if (socket.read() instanceof Packet.ConnAck answer) reason = answer.reason();
        } catch (IOException | MqttFault refused) {
            reason = null;
        }
        return new Knock(reason, Duration.ofNanos(System.nanoTime() - start));
    }
}
