package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Spec;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a client's Receive Maximum does to what it is sent (section 4.9). */
class FlowControlIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("flow");

    private static Properties receiveMaximum(int maximum) {
        return Properties.NONE.with(Property.RECEIVE_MAXIMUM, maximum);
    }

    private void publish(QoS qos, int count) {
        try (var publisher = Peer.online(V5)) {
            for (int i = 1; i <= count; i++) publisher.publish(qos, topic, "" + i);
        }
    }

    @Spec({"MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2"})
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void noMoreThanTheReceiveMaximumIsUnderWay(QoS qos) {
        try (var subscriber = Peer.online(V5, receiveMaximum(3))) {
            subscriber.subscribe(qos, topic);
            publish(qos, 7);
            var first = List.of(subscriber.delivered(), subscriber.delivered(), subscriber.delivered());
            subscriber.assertNothingMore();
            first.forEach(subscriber::answer);
            for (int i = 4; i <= 6; i++)
                assertThat(Peer.text(subscriber.delivered())).isEqualTo("" + i);
            subscriber.assertNothingMore();
        }
    }

    /** The quota also holds for what waited in the session. */
    @Spec("MQTT-3.3.4-9")
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void noMoreThanTheReceiveMaximumIsSentFromTheQueue(QoS qos) {
        var clientId = Device.id("flow");
        Peer.durable(V5, clientId).subscribe(qos, topic).leave();
        publish(qos, 7);
        var properties = receiveMaximum(2).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        try (var subscriber = Peer.resumed(Device.connect(V5, clientId, false, properties))) {
            for (int i = 1; i <= 7; i += 2) {
                var first = subscriber.delivered();
                assertThat(Peer.text(first)).isEqualTo("" + i);
                var second = i < 7 ? subscriber.delivered() : null;
                subscriber.assertNothingMore();
                subscriber.answer(first);
                if (second != null) subscriber.answer(second);
            }
        }
    }

    @Spec({"MQTT-3.3.4-10", "MQTT-4.9.0-3"})
    @Test
    void otherPacketsAreAnsweredWithoutAnyQuota() {
        try (var subscriber = Peer.online(V5, receiveMaximum(1))) {
            subscriber.subscribe(TWO, topic);
            publish(TWO, 2);
            var first = subscriber.delivered();
            var wire = subscriber.wire();
            wire.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            subscriber.subscribe(TWO, topic + "/other");
            subscriber.unsubscribe(topic + "/other");
            subscriber.publish(ONE, topic + "/other", "x").publish(TWO, topic + "/other", "x");
            subscriber.answer(first);
            assertThat(subscriber.text()).isEqualTo("2");
        }
    }

    /** Section 4.9: QoS 0 has no quota. */
    @Test
    void qos0IsSentWithoutAnyQuota() {
        try (var subscriber = Peer.online(V5, receiveMaximum(1))) {
            subscriber.subscribe(ONE, topic);
            publish(ONE, 2);
            subscriber.delivered();
            publish(ZERO, 1);
            assertThat(subscriber.delivered().qos()).isEqualTo(ZERO);
        }
    }

    /** PUBREC alone gives nothing back, PUBCOMP does. */
    @Spec({"MQTT-3.3.4-9", "MQTT-4.9.0-2"})
    @Test
    void aQoS2MessageHoldsItsPlaceUntilPubComp() {
        try (var subscriber = Peer.online(V5, receiveMaximum(1))) {
            subscriber.subscribe(TWO, topic);
            publish(TWO, 2);
            var packetId = subscriber.delivered().packetId();
            var wire = subscriber.wire();
            wire.sendPackets(new Packet.PubRec(packetId)).receive(Packet.PubRel.class);
            subscriber.assertNothingMore();
            wire.sendPackets(new Packet.PubComp(packetId));
            assertThat(subscriber.text()).isEqualTo("2");
        }
    }

    /** A message that the client does not take is done with. */
    @Spec({"MQTT-3.3.4-9", "MQTT-4.4.0-2"})
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void aRefusedMessageGivesItsPlaceBack(QoS qos) {
        try (var subscriber = Peer.online(V5, receiveMaximum(1))) {
            subscriber.subscribe(qos, topic);
            publish(qos, 2);
            var packetId = subscriber.delivered().packetId();
            var reason = ReasonCode.QUOTA_EXCEEDED;
            subscriber
                    .wire()
                    .sendPackets(
                            qos == ONE
                                    ? new Packet.PubAck(packetId, reason, Properties.NONE)
                                    : new Packet.PubRec(packetId, reason, Properties.NONE));
            assertThat(subscriber.text()).isEqualTo("2");
            subscriber.assertNothingMore();
        }
    }

    /** Answering in another order than that of the messages is allowed. */
    @Test
    void everyAnswerGivesItsOwnPlaceBack() {
        try (var subscriber = Peer.online(V5, receiveMaximum(3))) {
            subscriber.subscribe(ONE, topic);
            publish(ONE, 5);
            var first = subscriber.delivered();
            var second = subscriber.delivered();
            var third = subscriber.delivered();
            subscriber.answer(third);
            assertThat(subscriber.text()).isEqualTo("4");
            assertThat(subscriber.text()).isEqualTo("5");
            subscriber.answer(second);
            subscriber.answer(first);
            subscriber.assertNothingMore();
        }
    }
}
