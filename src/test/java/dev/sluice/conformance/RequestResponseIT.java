package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.UserProperty;
import dev.sluice.packet.Will;
import dev.sluice.support.Spec;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The properties that a server hands on as they are. */
class RequestResponseIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    static final Properties FORWARDED = Properties.NONE
            .with(Property.PAYLOAD_FORMAT_INDICATOR, 1)
            .with(Property.CONTENT_TYPE, "text/\u00fcber; charset=utf-8")
            .with(Property.RESPONSE_TOPIC, "talk/answers/\ufeff1")
            .with(Property.CORRELATION_DATA, new byte[] {0, -1, 65, 0})
            .withUserProperty("b", "2")
            .withUserProperty("a", "1")
            .withUserProperty("b", "1")
            .withUserProperty("", "")
            .withUserProperty("b", "2");

    private final String topic = "talk/" + Device.id("request");

    @Spec({"MQTT-3.3.2-4", "MQTT-3.3.2-15", "MQTT-3.3.2-16", "MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20"})
    @ParameterizedTest
    @EnumSource
    void propertiesAreForwardedUnaltered(QoS qos) {
        try (var subscriber = Peer.online(V5);
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(qos, topic);
            publisher.publish(qos, topic, "\u20ac", FORWARDED);
            var publish = subscriber.taken();
            assertThat(publish.properties()).isEqualTo(FORWARDED);
            assertThat(publish.properties().userProperties()).isEqualTo(FORWARDED.userProperties());
            assertThat(Peer.text(publish)).isEqualTo("\u20ac");
        }
    }

    /** Also through the queue of a session in PostgreSQL, and from the retained message. */
    @Spec({"MQTT-3.3.2-4", "MQTT-3.3.2-15", "MQTT-3.3.2-16", "MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20"})
    @Test
    void propertiesAreKeptUnaltered() {
        var clientId = Device.id("request");
        Peer.durable(V5, clientId).subscribe(ONE, topic).leave();
        try (var publisher = Peer.online(V5)) {
            publisher.retain(ONE, topic, "x", FORWARDED);
        }
        try (var resumed = Peer.resumed(V5, clientId);
                var late = Peer.online(V5)) {
            assertThat(resumed.taken().properties()).isEqualTo(FORWARDED);
            late.subscribe(ONE, topic);
            assertThat(late.taken().properties()).isEqualTo(FORWARDED);
        }
    }

    /** An indicator of 0 is not the same as none. */
    @Spec("MQTT-3.3.2-4")
    @Test
    void aPayloadFormatOfBytesIsForwarded() {
        var bytes = Properties.NONE.with(Property.PAYLOAD_FORMAT_INDICATOR, 0);
        try (var subscriber = Peer.online(V5);
                var publisher = Device.online(V5, Device.id("request"))) {
            subscriber.subscribe(ONE, topic);
            publisher
                    .sendPackets(Device.publish(ONE, 1, topic, new byte[] {-1, 0}, bytes))
                    .receive(Packet.PubAck.class);
            var publish = subscriber.taken();
            assertThat(publish.properties()).isEqualTo(bytes);
            assertThat(publish.payload()).containsExactly(-1, 0);
        }
    }

    @Spec("MQTT-3.1.3-10")
    @Test
    void aWillKeepsItsProperties() {
        var will = new Will(
                TopicName.of(topic),
                ONE,
                false,
                FORWARDED.with(Property.WILL_DELAY_INTERVAL, 0),
                "gone".getBytes(StandardCharsets.UTF_8));
        try (var subscriber = Peer.online(V5)) {
            subscriber.subscribe(ONE, topic);
            Peer.connect(Device.connect(V5, Device.id("request"), will, Properties.NONE))
                    .close();
            var publish = subscriber.taken();
            assertThat(publish.properties()).isEqualTo(FORWARDED);
            assertThat(publish.properties().userProperties())
                    .startsWith(new UserProperty("b", "2"), new UserProperty("a", "1"), new UserProperty("b", "1"));
        }
    }

    /** A whole exchange: the answer goes where the request asks for it, with the data that it came with. */
    @Test
    void aRequestIsAnsweredByItsProperties() {
        try (var requester = Peer.online(V5);
                var responder = Peer.online(ProtocolVersion.V5)) {
            requester.subscribe(ONE, topic + "/answers");
            responder.subscribe(ONE, topic);
            var request = Properties.NONE
                    .with(Property.RESPONSE_TOPIC, topic + "/answers")
                    .with(Property.CORRELATION_DATA, new byte[] {7});
            requester.publish(ONE, topic, "how are you?", request);
            var received = responder.taken().properties();
            responder.publish(
                    ONE,
                    received.text(Property.RESPONSE_TOPIC),
                    "well",
                    Properties.NONE.with(Property.CORRELATION_DATA, received.binary(Property.CORRELATION_DATA)));
            var answer = requester.taken();
            assertThat(Peer.text(answer)).isEqualTo("well");
            assertThat(answer.properties().binary(Property.CORRELATION_DATA)).containsExactly(7);
        }
    }

    @Spec("MQTT-3.1.2-28")
    @Test
    void responseInformationIsForThoseWhoAsk() {
        var ask = Property.REQUEST_RESPONSE_INFORMATION;
        for (var properties : List.of(Properties.NONE, Properties.NONE.with(ask, 0), Properties.NONE.with(ask, 1))) {
            try (var client = Device.socket(V5)) {
                var answer = client.connect(Device.connect(V5, Device.id("request"), true, properties))
                        .receive(Packet.ConnAck.class);
                assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
                assertThat(answer.properties().has(Property.RESPONSE_INFORMATION))
                        .isEqualTo(properties.number(ask, 0) == 1);
            }
        }
    }

    /** MQTT 3 has no place for properties. */
    @ParameterizedTest
    @EnumSource(names = {"V3_1", "V3_1_1"})
    void anOlderClientGetsTheMessageWithoutThem(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(ONE, topic);
            publisher.publish(ONE, topic, "x", FORWARDED);
            assertThat(subscriber.text()).isEqualTo("x");
        }
    }
}
