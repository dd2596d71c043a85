package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Readers;
import dev.sluice.topic.TopicName;
import java.nio.ByteBuffer;
import java.util.Collections;
import org.junit.jupiter.api.Test;

class InputBoundsTest {
    private static final InputBounds BOUNDS = new InputBounds(128, 64, 16_384, 131_072, 1000, 16_384, 65_536, 16);
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private static Packet read(Packet packet) {
        var reader = new PacketReader(BOUNDS);
        if (!(packet instanceof Packet.Connect)) reader.read(ByteBuffer.wrap(Readers.write(V5, Readers.connect(V5))));
        return reader.read(ByteBuffer.wrap(Readers.write(V5, packet)));
    }

    private static MqttFault fault(Packet packet) {
        return catchThrowableOfType(MqttFault.class, () -> read(packet));
    }

    private static Properties userProperties(int count, String name, String value) {
        var properties = Properties.NONE;
        for (int i = 0; i < count; i++) properties = properties.withUserProperty(name, value);
        return properties;
    }

    private static Packet.Publish publish(Properties properties) {
        return new Packet.Publish(
                false, QoS.AT_LEAST_ONCE, false, TopicName.of("t"), 7, properties, new byte[] {1, 2, 3});
    }

    private static Packet.Publish readPublish(Properties properties) {
        return (Packet.Publish) read(publish(properties));
    }

    @Test
    void whatIsWithinTheBoundsIsRead() {
        var many = userProperties(64, "n", "v");
        assertThat(readPublish(many).properties()).isEqualTo(many);
        var long1 = Properties.NONE.withUserProperty("", "v".repeat(16_379));
        assertThat(readPublish(long1).properties()).isEqualTo(long1);
        var all = Properties.NONE
                .with(Property.CONTENT_TYPE, "c".repeat(65_000))
                .with(Property.RESPONSE_TOPIC, "r".repeat(65_000));
        assertThat(readPublish(all).properties()).isEqualTo(all);
    }

    /** The message is refused, not the connection; so the packet is read to its end, and its alias counts. */
    @Test
    void tooManyUserPropertiesOfAPublishAreNotKept() {
        var publish = readPublish(userProperties(65, "n", "v").with(Property.TOPIC_ALIAS, 3));
        assertThat(publish.properties().excess().bound()).isEqualTo(InputBounds.USER_PROPERTIES);
        assertThat(publish.properties().excess().why())
                .isEqualTo("more than 64 User Properties in a packet (sluice.mqtt.user-properties-maximum)");
        assertThat(publish.properties().userProperties()).isEmpty();
        assertThat(publish.properties().number(Property.TOPIC_ALIAS, 0)).isEqualTo(3);
        assertThat(publish.payload()).containsExactly(1, 2, 3);
        assertThat(publish.packetId()).isEqualTo(7);
    }

    /** 26 00 00 00 00, a megabyte of it: kept, that was 16 MB on the heap. */
    @Test
    void aMegabyteOfEmptyUserPropertiesWeighsNothing() {
        var count = 209_700;
        var length = 5 * count;
        var packet = new PacketBuffer();
        packet.putByte(0x30);
        packet.putVariableByteInteger(2 + 1 + 3 + length);
        packet.putText("t");
        packet.putVariableByteInteger(length);
        for (int i = 0; i < count; i++) {
            packet.putByte(0x26);
            packet.putText("");
            packet.putText("");
        }
        var reader = new PacketReader(BOUNDS);
        reader.read(ByteBuffer.wrap(Readers.write(V5, Readers.connect(V5))));
        var publish = (Packet.Publish) reader.read(ByteBuffer.wrap(packet.toByteArray()));
        assertThat(publish.properties().excess().bound()).isEqualTo(InputBounds.PROPERTY_BYTES);
        assertThat(publish.properties().bytes()).isLessThan(1000);
    }

    @Test
    void userPropertiesAreBoundedByTheirBytesToo() {
        var one = Properties.NONE.withUserProperty("", "v".repeat(16_380));
        assertThat(readPublish(one).properties().excess().bound()).isEqualTo(InputBounds.USER_PROPERTY_BYTES);
    }

    @Test
    void allPropertiesTogetherAreBounded() {
        var all = Properties.NONE
                .with(Property.CONTENT_TYPE, "c".repeat(65_000))
                .with(Property.RESPONSE_TOPIC, "r".repeat(65_000))
                .with(Property.CORRELATION_DATA, new byte[2000]);
        var read = readPublish(all.with(Property.MESSAGE_EXPIRY_INTERVAL, 5)).properties();
        assertThat(read.excess().bound()).isEqualTo(InputBounds.PROPERTY_BYTES);
        assertThat(read.has(Property.CONTENT_TYPE)).isFalse();
        assertThat(read.number(Property.MESSAGE_EXPIRY_INTERVAL, 0)).isEqualTo(5);
        assertThat(read.without(Property.MESSAGE_EXPIRY_INTERVAL).excess()).isEqualTo(read.excess());
    }

    @Test
    void storedPropertiesAreReadWithinTheBounds() {
        var bytes = MessageProperties.write(userProperties(65, "n", "v"));
        assertThat(MessageProperties.read(bytes, BOUNDS).excess()).isNotNull();
        assertThat(MessageProperties.read(bytes, InputBounds.NONE).excess()).isNull();
    }

    @Test
    void tooManyUserPropertiesOfAnotherPacketEndTheConnection() {
        var many = userProperties(65, "n", "v");
        var subscription = new Subscription("t", QoS.AT_MOST_ONCE, false, false, 0);
        var will = new Will(TopicName.of("w"), QoS.AT_MOST_ONCE, false, many, new byte[0]);
        for (var packet : new Packet[] {
            new Packet.Subscribe(1, Collections.nCopies(1, subscription), many),
            new Packet.Unsubscribe(1, Collections.nCopies(1, "t"), many),
            new Packet.Disconnect(ReasonCode.SUCCESS, many),
            new Packet.PubAck(1, ReasonCode.SUCCESS, many),
            new Packet.PubRel(1, ReasonCode.SUCCESS, many),
            new Packet.Connect(V5, true, 0, "c", null, null, null, many),
            new Packet.Connect(V5, true, 0, "c", will, null, null, Properties.NONE)
        }) {
            assertThat(fault(packet).reason()).as("%s", packet).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(fault(packet).bound()).isEqualTo(InputBounds.USER_PROPERTIES);
        }
    }

    @Test
    void theEntriesOfASubscribeAreBounded() {
        var subscription = new Subscription("a", QoS.AT_MOST_ONCE, false, false, 0);
        assertThat(fault(new Packet.Subscribe(1, Collections.nCopies(1000, subscription), Properties.NONE)))
                .isNull();
        var fault = fault(new Packet.Subscribe(1, Collections.nCopies(1001, subscription), Properties.NONE));
        assertThat(fault.reason()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        assertThat(fault)
                .hasMessage("more than 1000 Topic Filters in SUBSCRIBE (sluice.mqtt.subscribe-entries-maximum)");
        assertThat(fault(new Packet.Unsubscribe(1, Collections.nCopies(1000, "a"), Properties.NONE)))
                .isNull();
        assertThat(fault(new Packet.Unsubscribe(1, Collections.nCopies(1001, "a"), Properties.NONE)))
                .hasMessage("more than 1000 Topic Filters in UNSUBSCRIBE (sluice.mqtt.subscribe-entries-maximum)");
    }

    @Test
    void aConnectIsBoundedExceptForItsWillAndItsPassword() {
        var will =
                new Will(TopicName.of("w".repeat(60_000)), QoS.AT_MOST_ONCE, false, Properties.NONE, new byte[65_535]);
        var large = new Packet.Connect(V5, true, 0, "c", will, "u".repeat(16_000), new byte[65_535], Properties.NONE);
        assertThat(fault(large)).isNull();
        assertThat(Readers.write(V5, large)).hasSizeLessThan(BOUNDS.largestConnect());
        var fault = fault(new Packet.Connect(V5, true, 0, "c", null, "u".repeat(16_400), null, Properties.NONE));
        assertThat(fault.reason()).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
        assertThat(fault.bound()).isEqualTo(InputBounds.CONNECT_BYTES);
    }

    @Test
    void aBoundThatIsNoneIsNamed() {
        assertThatThrownBy(() -> new InputBounds(0, 64, 16_384, 65_536, 1000, 16_384, 65_536, 16))
                .hasMessage("sluice.mqtt.topic-levels-maximum: is 0, and has to be 1 or more");
    }
}
