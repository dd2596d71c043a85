package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FramesIT {
    private static final int HUGE = 200_000_000;
    /** A PUBLISH whose Remaining Length is 200 MB. */
    private static final byte[] HUGE_PUBLISH = {0x32, (byte) 0x80, (byte) 0x84, (byte) 0xAF, 0x5F, 0, 1, 't', 0, 1};

    private final String clientId = Device.id("frames");

    private static Packet.Publish[] publishes(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(id -> Device.publish(QoS.AT_LEAST_ONCE, id, "fleet/a/telemetry", "m" + id))
                .toArray(Packet.Publish[]::new);
    }

    private void assertAcknowledged(WireClient client, int count) {
        for (int id = 1; id <= count; id++)
            assertThat(client.receive(Packet.PubAck.class)).isEqualTo(new Packet.PubAck(id));
        assertThat(Records.of(Gateway.shared(), "wire.telemetry", clientId))
                .extracting(Records.Record::text)
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, count).mapToObj(id -> "m" + id).toList());
    }

    @Spec(value = "MQTT-6.0.0-2", v311 = "MQTT-6.0.0-2")
    @Test
    void packetsMayComeOneByteAFrame() {
        try (var client = Device.socket(ProtocolVersion.V5)) {
            var connect = Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE);
            for (byte piece : client.bytes(connect)) client.send(Frames.binary(new byte[] {piece}));
            client.receive(Packet.ConnAck.class);
            for (byte piece : client.bytes(publishes(3))) client.send(Frames.binary(new byte[] {piece}));
            assertAcknowledged(client, 3);
        }
    }

    @Test
    void aHundredPacketsMayComeInOneFrame() {
        try (var client = Device.online(ProtocolVersion.V3_1_1, clientId)) {
            client.sendPackets(publishes(100));
            assertAcknowledged(client, 100);
        }
    }

    @Test
    void packetsMayComeInContinuationsWithPingsBetween() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            var bytes = client.bytes(publishes(4));
            var random = new Random(4);
            for (int at = 0; at < bytes.length; ) {
                var end = Math.min(bytes.length, at + 1 + random.nextInt(20));
                var opcode = at == 0 ? Frames.BINARY : Frames.CONTINUATION;
                client.send(Frames.masked(end == bytes.length, opcode, Arrays.copyOfRange(bytes, at, end)));
                client.send(Frames.masked(true, Frames.PING, new byte[] {(byte) at}));
                at = end;
            }
            assertAcknowledged(client, 4);
            assertThat(client.pongs()).isPositive();
        }
    }

    @Spec(value = "MQTT-6.0.0-1", v311 = "MQTT-6.0.0-1")
    @Test
    void aTextFrameIsClosedWith1003() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.masked(true, Frames.TEXT, client.bytes(new Packet.PingReq())));
            assertThat(client.closeStatus()).isEqualTo(1003);
        }
    }

    @Test
    void anUnmaskedFrameIsClosedWith1002() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.unmasked(Frames.BINARY, client.bytes(new Packet.PingReq())));
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    @Test
    void theClientsCloseIsAnswered() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.masked(true, Frames.CLOSE, new byte[] {0x03, (byte) 0xE8}));
            assertThat(client.closeStatus()).isEqualTo(1000);
            assertThat(client.nextFrame()).isNull();
        }
    }

    @Test
    void aPingIsAnsweredWithItsPayload() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.masked(true, Frames.PING, new byte[] {1, 2, 3}));
            assertThat(client.nextFrame().payload()).containsExactly(1, 2, 3);
        }
    }

    @Spec("MQTT-3.2.2-15")
    @ParameterizedTest
    @EnumSource
    void aPacketAboveTheMaximumIsRefusedByItsHeader(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.send(Frames.binary(HUGE_PUBLISH));
            Device.assertEnded(client, version, ReasonCode.PACKET_TOO_LARGE);
        }
    }

    @Test
    void aHugePacketInOneHugeFrameIsRefusedByItsHeader() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.header(true, Frames.BINARY, HUGE));
            client.send(HUGE_PUBLISH);
            Device.assertEnded(client, ProtocolVersion.V5, ReasonCode.PACKET_TOO_LARGE);
        }
    }

    @Test
    void aHugePacketInContinuationsIsRefusedByItsHeader() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.masked(false, Frames.BINARY, Arrays.copyOf(HUGE_PUBLISH, 2)));
            client.send(Frames.masked(
                    false, Frames.CONTINUATION, Arrays.copyOfRange(HUGE_PUBLISH, 2, HUGE_PUBLISH.length)));
            Device.assertEnded(client, ProtocolVersion.V5, ReasonCode.PACKET_TOO_LARGE);
        }
    }

    /** A frame may be larger than a packet may be, and than the gateway's heap. */
    @Test
    void packetsStreamOutOfAFrameThatNeverEnds() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.send(Frames.header(true, Frames.BINARY, 1L << 40));
            client.send(client.bytes(publishes(2)));
            assertAcknowledged(client, 2);
        }
    }

    @Test
    void theLargestPacketIsTaken() {
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            var payload = new byte[65536 - 13];
            var publish = Device.publish(QoS.AT_LEAST_ONCE, 1, "none", payload, Properties.NONE);
            assertThat(client.bytes(publish).length).isEqualTo(65536);
            client.sendPackets(publish);
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        }
    }

    /** Whoever leaves the close frame unanswered is not kept. */
    @Test
    void aClientThatDoesNotAnswerTheCloseIsCut() {
        try (var faulty = Device.online(ProtocolVersion.V5, clientId);
                var wrong = Device.online(ProtocolVersion.V5, clientId + "2");
                var leaving = Device.online(ProtocolVersion.V3_1_1, clientId + "3")) {
            faulty.send(Frames.unmasked(Frames.BINARY, new byte[1]));
            wrong.sendPackets(new Packet.PingResp());
            leaving.sendPackets(Device.goodbye());
            for (var client : List.of(faulty, wrong, leaving)) assertCut(client);
        }
    }

    private static void assertCut(WireClient client) {
        var frame = client.nextFrame();
        while (frame != null && frame.opcode() != Frames.CLOSE) frame = client.nextFrame();
        assertThat(frame).isNotNull();
        assertThat(client.nextFrame()).isNull();
    }
}
