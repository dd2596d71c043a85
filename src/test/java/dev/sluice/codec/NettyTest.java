package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.codec.RandomStreamTest.Case;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.PacketAssert;
import dev.sluice.support.Readers;
import dev.sluice.support.Vectors;
import dev.sluice.support.Vectors.Vector;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.mqtt.MqttDecoder;
import io.netty.handler.codec.mqtt.MqttEncoder;
import io.netty.handler.codec.mqtt.MqttMessage;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Netty's codec as a second opinion: what we write it reads, and what it writes of that we read as the same packet. */
class NettyTest {
    private static final int ROUNDS = 30;

    static Stream<Case> cases() {
        return RandomStreamTest.cases();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void nettyReadsAndWritesTheSamePackets(Case given) {
        var packets = given.packets(given.random());
        for (int i = 0; i < ROUNDS * packets.kinds(); i++) {
            var packet = packets.ofKind(i % packets.kinds());
            if (isBeyondNetty(packet)) continue;
            var bytes = Readers.write(given.version(), packet);
            PacketAssert.assertThat(throughNetty(given.version(), given.reader(), bytes))
                    .as(given.toString())
                    .isSameAs(packet);
        }
    }

    @TestFactory
    Stream<DynamicTest> nettyAgreesOnEveryCanonicalVector() {
        return Vectors.valid().stream()
                .filter(vector -> vector.canonical() && !isBeyondNetty(read(vector)))
                .map(vector -> DynamicTest.dynamicTest(vector.toString(), () -> agrees(vector)));
    }

    private static void agrees(Vector vector) {
        var again = throughNetty(vector.version().orElseThrow(), reader(vector), vector.bytes());
        PacketAssert.assertThat(again).reads(vector.expected());
    }

    /** What the standard allows and Netty does not write or not read. */
    private static boolean isBeyondNetty(Packet packet) {
        return switch (packet) {
            case Packet.Connect c -> isConnectBeyondNetty(c);
            case Packet.ConnAck c -> isCutByNetty(c.properties());
            case Packet.Publish p -> isCutByNetty(p.properties());
            case Packet.PubAck a -> isDroppedByNetty(a.reason(), a.properties());
            case Packet.PubRec a -> isDroppedByNetty(a.reason(), a.properties());
            case Packet.PubRel a -> isDroppedByNetty(a.reason(), a.properties());
            case Packet.PubComp a -> isDroppedByNetty(a.reason(), a.properties());
            case Packet.Disconnect d -> isDroppedByNetty(d.reason(), d.properties());
            case Packet.Auth a -> isDroppedByNetty(a.reason(), a.properties());
            default -> false;
        };
    }

    private static boolean isConnectBeyondNetty(Packet.Connect connect) {
        if (connect.version() == ProtocolVersion.V3_1 && connect.clientId().isEmpty()) return true;
        return connect.username() == null && connect.password() != null || isCutByNetty(connect.properties());
    }

    /** Netty 4.1.130 does not read a last property of two bytes where the Property Length itself takes two. */
    private static boolean isCutByNetty(Properties properties) {
        if (PropertiesWriter.size(properties) < 130
                || !properties.userProperties().isEmpty()) return false;
        if (!properties.subscriptionIdentifiers().isEmpty()) return true;
        var types = properties.entries().stream().map(entry -> entry.getKey().type());
        return types.toList().getLast() == Property.Type.BYTE;
    }

    private static boolean isDroppedByNetty(ReasonCode reason, Properties properties) {
        return reason == ReasonCode.SUCCESS && !properties.isEmpty();
    }

    private static Packet read(Vector vector) {
        return Readers.readOne(reader(vector), vector.bytes());
    }

    private static PacketReader reader(Vector vector) {
        var version = vector.version().orElseThrow();
        return vector.isFromServer() ? new PacketReader(version) : Readers.serverReader(version);
    }

    private static Packet throughNetty(ProtocolVersion version, PacketReader reader, byte[] bytes) {
        var channel = new EmbeddedChannel(new MqttDecoder(1 << 20, 1 << 16), MqttEncoder.INSTANCE);
        try {
            channel.writeInbound(Unpooled.wrappedBuffer(Readers.write(version, Readers.connect(version))));
            channel.readInbound();
            channel.writeInbound(Unpooled.wrappedBuffer(bytes));
            MqttMessage message = channel.readInbound();
            assertThat(message.decoderResult().cause()).isNull();
            channel.writeOutbound(message);
            ByteBuf written = channel.readOutbound();
            var again = ByteBufUtil.getBytes(written);
            written.release();
            return Readers.readOne(reader, again);
        } finally {
            channel.finishAndReleaseAll();
        }
    }
}
