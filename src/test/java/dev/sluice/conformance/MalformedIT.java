package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Spec;
import dev.sluice.support.Vectors;
import dev.sluice.support.Vectors.Vector;
import dev.sluice.support.WireClient;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Sends every malformed vector over a socket: version 5 is told its reason code, older versions are closed. */
class MalformedIT {
    @Spec(
            value = {"MQTT-3.1.4-1", "MQTT-4.13.1-1"},
            v311 = {"MQTT-3.1.4-1", "MQTT-3.2.2-6", "MQTT-4.8.0-1"})
    @TestFactory
    Stream<DynamicTest> aMalformedPacketIsRefusedWithItsReason() {
        return Vectors.malformed().stream()
                .filter(Vector::isFromClient)
                .map(vector -> DynamicTest.dynamicTest(vector.toString(), () -> assertRefused(vector)));
    }

    /** Sends a vector over a socket of its own, behind a CONNECT unless it is one. */
    static void assertRefused(Vector vector) {
        var version = vector.version().orElse(answerVersion(vector));
        if (vector.isFirst()) {
            try (var client = Device.socket(version)) {
                client.send(Frames.binary(vector.bytes()));
                assertConnectRefused(client, vector, version);
            }
        } else {
            try (var client = Device.online(version, Device.id("malformed"))) {
                client.send(Frames.binary(vector.bytes()));
                Device.assertEnded(client, version, vector.reason());
            }
        }
    }

    private static void assertConnectRefused(WireClient client, Vector vector, ProtocolVersion version) {
        var unsupported = vector.reason() == ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;
        // [MQTT-3.1.2-2]; before any CONNECT there is no version to answer in
        if (unsupported || vector.version().isPresent() && version.isV5()) {
            var refusal = client.receive(Packet.ConnAck.class);
            assertThat(refusal.reason()).isEqualTo(vector.reason());
            assertThat(refusal.sessionPresent()).isFalse();
        }
        client.closeStatus();
    }

    /** Of a CONNECT whose version is none that is spoken, its level stands behind the name. */
    private static ProtocolVersion answerVersion(Vector vector) {
        var bytes = vector.bytes();
        if (vector.reason() != ReasonCode.UNSUPPORTED_PROTOCOL_VERSION) return ProtocolVersion.V5;
        var level = bytes[4 + bytes[3]] & 0x7F;
        return level >= 5 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
    }
}
