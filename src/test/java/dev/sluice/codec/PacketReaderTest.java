package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Readers;
import dev.sluice.topic.TopicName;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PacketReaderTest {
    private final PacketReader reader = Readers.serverReader(ProtocolVersion.V5);

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void theVersionIsThatOfTheConnect(ProtocolVersion version) {
        var fresh = new PacketReader(InputBounds.NONE);
        assertThat(fresh.version()).isNull();
        fresh.read(ByteBuffer.wrap(Readers.write(version, Readers.connect(version))));
        assertThat(fresh.version()).isEqualTo(version);
    }

    @Test
    void theVersionIsKnownWhereTheRestOfTheConnectIsMalformed() {
        var fresh = new PacketReader(InputBounds.NONE);
        var reservedFlag = HexFormat.of().parseHex("100e00044d51545405010000000001" + "63");
        assertThatThrownBy(() -> fresh.read(ByteBuffer.wrap(reservedFlag))).isInstanceOf(MqttFault.class);
        assertThat(fresh.version()).isEqualTo(ProtocolVersion.V5);
    }

    @Test
    void aSecondConnectIsReadAndChangesNothing() {
        var second = Readers.write(ProtocolVersion.V3_1_1, Readers.connect(ProtocolVersion.V3_1_1));
        assertThat(reader.read(ByteBuffer.wrap(second))).isInstanceOf(Packet.Connect.class);
        assertThat(reader.version()).isEqualTo(ProtocolVersion.V5);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aTopicNameThatComesAgainIsTheSameObject(boolean direct) {
        var first = topicName("device/1", direct);
        for (int i = 2; i < 5; i++) topicName("device/" + i, direct);
        assertThat(topicName("device/1", direct)).isSameAs(first);
        topicName("device/5", direct);
        assertThat(topicName("device/1", direct)).isEqualTo(first).isNotSameAs(first);
    }

    @Test
    void aVeryLongTopicNameIsNotHeld() {
        var first = topicName("x".repeat(257), false);
        assertThat(topicName("x".repeat(257), false)).isEqualTo(first).isNotSameAs(first);
    }

    @Test
    void aNameThatBeginsLikeAKnownOneIsItsOwn() {
        topicName("device/1", false);
        assertThat(topicName("device/10", false)).isEqualTo(TopicName.of("device/10"));
        assertThat(topicName("device/", false)).isEqualTo(TopicName.of("device/"));
        assertThat(topicName("device/2", false)).isEqualTo(TopicName.of("device/2"));
    }

    @Test
    void thePayloadIsACopy() {
        var bytes = Readers.write(ProtocolVersion.V5, publish("a"));
        var publish = (Packet.Publish) reader.read(ByteBuffer.wrap(bytes));
        bytes[bytes.length - 1] = 0;
        assertThat(publish.payload()).containsExactly(7);
    }

    @Test
    void aPublishWithoutPropertiesHasNone() {
        var bytes = Readers.write(ProtocolVersion.V5, publish("a"));
        assertThat(((Packet.Publish) reader.read(ByteBuffer.wrap(bytes))).properties())
                .isSameAs(Properties.NONE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void propertiesThatComeAgainAreTheSameObject(boolean direct) {
        var first = properties(site("oslo"), direct);
        assertThat(properties(site("bonn"), direct)).isEqualTo(site("bonn"));
        assertThat(properties(site("oslo"), direct)).isSameAs(first);
        assertThat(properties(site("rome"), direct)).isEqualTo(site("rome"));
        assertThat(properties(site("oslo"), direct)).isEqualTo(first).isNotSameAs(first);
    }

    @Test
    void propertiesThatBeginLikeKnownOnesAreTheirOwn() {
        properties(site("oslo"), false);
        var more = site("oslo").withUserProperty("unit", "C");
        assertThat(properties(more, false)).isEqualTo(more);
        assertThat(properties(Properties.NONE, false)).isSameAs(Properties.NONE);
        assertThat(properties(site("osl"), false)).isEqualTo(site("osl"));
    }

    @Test
    void veryLongPropertiesAreNotHeld() {
        var longest = site("x".repeat(513 - 9));
        var first = properties(longest, false);
        assertThat(properties(longest, false)).isEqualTo(first).isNotSameAs(first);
    }

    @Test
    void malformedPropertiesAreMalformedAgain() {
        var bytes = Readers.write(ProtocolVersion.V5, publish("a", site("oslo")));
        bytes[8] = 0x7F; // an identifier that no property has
        for (int i = 0; i < 3; i++)
            assertThatThrownBy(() -> reader.read(ByteBuffer.wrap(bytes))).isInstanceOf(MqttFault.class);
    }

    @Test
    void aPacketThatIsNotWholeIsMalformed() {
        for (var bytes : new byte[][] {{}, {0x30}, {(byte) 0xC0, 1}, {(byte) 0xC0, 0, 0}})
            assertThatThrownBy(() -> reader.read(ByteBuffer.wrap(bytes))).isInstanceOf(MqttFault.class);
    }

    private TopicName topicName(String name, boolean direct) {
        return read(publish(name), direct).topicName();
    }

    private Properties properties(Properties properties, boolean direct) {
        return read(publish("a", properties), direct).properties();
    }

    private Packet.Publish read(Packet publish, boolean direct) {
        var bytes = Readers.write(ProtocolVersion.V5, publish);
        var in = direct ? ByteBuffer.allocateDirect(bytes.length) : ByteBuffer.allocate(bytes.length);
        return (Packet.Publish) reader.read(in.put(bytes).flip());
    }

    private static Properties site(String value) {
        return Properties.NONE.withUserProperty("site", value);
    }

    private static Packet publish(String name) {
        return publish(name, Properties.NONE);
    }

    private static Packet publish(String name, Properties properties) {
        return new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TopicName.of(name), 1, properties, new byte[] {7});
    }
}
