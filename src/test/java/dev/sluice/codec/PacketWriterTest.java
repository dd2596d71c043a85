package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Readers;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PacketWriterTest {
    private static final Properties WHY = Properties.NONE.with(Property.REASON_STRING, "why");

    private final PacketBuffer out = new PacketBuffer();

    @Test
    void mqtt3LeavesOutWhatItCannotSay() {
        write(ProtocolVersion.V3_1_1, new Packet.PubAck(1, ReasonCode.QUOTA_EXCEEDED, WHY));
        write(
                ProtocolVersion.V3_1_1,
                new Packet.SubAck(
                        2,
                        List.of(ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED, ReasonCode.TOPIC_FILTER_INVALID),
                        WHY));
        write(ProtocolVersion.V3_1_1, new Packet.UnsubAck(3, List.of(ReasonCode.NO_SUBSCRIPTION_EXISTED), WHY));
        write(ProtocolVersion.V3_1_1, new Packet.Disconnect(ReasonCode.SERVER_BUSY, WHY));
        assertThat(hex()).isEqualTo("40020001" + "90050002018080" + "b0020003" + "e000");
    }

    @ParameterizedTest
    @CsvSource({
        "SUCCESS,00", "UNSUPPORTED_PROTOCOL_VERSION,01", "CLIENT_IDENTIFIER_NOT_VALID,02", "SERVER_BUSY,03",
        "BAD_USER_NAME_OR_PASSWORD,04", "NOT_AUTHORIZED,05", "BANNED,05", "QUOTA_EXCEEDED,03"
    })
    void aRefusedConnectHasItsReturnCodeInMqtt3(ReasonCode reason, String returnCode) {
        write(ProtocolVersion.V3_1_1, new Packet.ConnAck(false, reason, WHY));
        assertThat(hex()).isEqualTo("200200" + returnCode);
    }

    private static Stream<ReasonCode> errors() {
        return Arrays.stream(ReasonCode.values()).filter(ReasonCode::isError);
    }

    /** [MQTT-3.2.2-8] [MQTT-3.14.2-1] */
    @ParameterizedTest
    @MethodSource("errors")
    void everyErrorHasACodeForConnAckAndForDisconnect(ReasonCode error) {
        write(ProtocolVersion.V5, new Packet.ConnAck(false, error.inConnAck(), Properties.NONE));
        write(ProtocolVersion.V5, new Packet.Disconnect(error.inDisconnect(), Properties.NONE));
        assertThat(error.inConnAck().isError()).isTrue();
        assertThat(error.inDisconnect().isError()).isTrue();
    }

    @Test
    void aCodeThatTheStandardDoesNotListIsNotWritten() {
        var connAck = new Packet.ConnAck(false, ReasonCode.SERVER_SHUTTING_DOWN, Properties.NONE);
        assertThatThrownBy(() -> write(ProtocolVersion.V5, connAck)).isInstanceOf(IllegalArgumentException.class);
        var disconnect = new Packet.Disconnect(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, Properties.NONE);
        assertThatThrownBy(() -> write(ProtocolVersion.V5, disconnect)).isInstanceOf(IllegalArgumentException.class);
        assertThat(hex()).isEmpty();
    }

    @Test
    void mqtt31HasNoSessionPresent() {
        write(ProtocolVersion.V3_1, new Packet.ConnAck(true, ReasonCode.SUCCESS, Properties.NONE));
        assertThat(hex()).isEqualTo("20020000");
    }

    @Test
    void mqtt3HasNoAuth() {
        var auth = new Packet.Auth(ReasonCode.SUCCESS, Properties.NONE);
        assertThatThrownBy(() -> write(ProtocolVersion.V3_1_1, auth)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aFieldThatIsTooLongLeavesWhatWasWrittenBefore() {
        write(ProtocolVersion.V5, new Packet.PingResp());
        var disconnect = new Packet.Disconnect(
                ReasonCode.SERVER_BUSY, Properties.NONE.with(Property.REASON_STRING, "x".repeat(65_536)));
        assertThatThrownBy(() -> write(ProtocolVersion.V5, disconnect)).isInstanceOf(IllegalArgumentException.class);
        assertThat(hex()).isEqualTo("d000");
    }

    @Test
    void theLongestFieldIsWritten() {
        var name = TopicName.of("x".repeat(65_535));
        var publish = new Packet.Publish(false, QoS.AT_MOST_ONCE, false, name, 0, Properties.NONE, new byte[100_000]);
        write(ProtocolVersion.V5, publish);
        assertThat(out.length()).isEqualTo(new PacketWriter(ProtocolVersion.V5).size(publish));
        var read = (Packet.Publish) Readers.readOne(new PacketReader(ProtocolVersion.V5), out.toByteArray());
        assertThat(read.topicName()).isEqualTo(name);
    }

    @Test
    void aClearedBufferForgetsTheMemoryOfALargePacketOnly() {
        out.putBytes(new byte[1000]);
        var small = out.array();
        out.clear();
        assertThat(out.isEmpty()).isTrue();
        assertThat(out.array()).isSameAs(small);
        out.putBytes(new byte[100_000]);
        out.clear();
        assertThat(out.array()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "abc", "ü", "€", "🚗", "a🚗ü€", "\ud83d", "\ude97", "\ud83dx", "\ude97\ud83d", "x\ud83d"})
    void theLengthOfATextIsThatOfItsBytes(String text) {
        assertThat(Utf8.length(text)).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
    }

    private void write(ProtocolVersion version, Packet packet) {
        new PacketWriter(version).write(packet, out);
    }

    private String hex() {
        return HexFormat.of().formatHex(out.toByteArray());
    }
}
