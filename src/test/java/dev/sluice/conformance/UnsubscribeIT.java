package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Spec;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnsubscribeIT {
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("unsubscribe");

    /** Also where nothing was subscribed. */
    @Spec(
            value = {"MQTT-2.2.1-6", "MQTT-3.10.4-4", "MQTT-3.10.4-5"},
            v311 = {"MQTT-2.3.1-7", "MQTT-3.10.4-4", "MQTT-3.10.4-5"})
    @ParameterizedTest
    @EnumSource
    void anUnsubscribeIsAnsweredUnderItsPacketIdentifier(ProtocolVersion version) {
        var unsubscribe = new Packet.Unsubscribe(0x1234, List.of(topic), Properties.NONE);
        try (var client = Device.online(version, Device.id("unsubscribe"))) {
            var bytes = client.sendPackets(unsubscribe).receiveBytes();
            if (version.isV5()) assertThat(bytes).containsExactly(0xB0, 4, 0x12, 0x34, 0, 0x11);
            else assertThat(bytes).containsExactly(0xB0, 2, 0x12, 0x34);
        }
    }

    @Spec(
            value = {"MQTT-3.10.4-6", "MQTT-3.11.3-1", "MQTT-3.11.3-2"},
            v311 = "MQTT-3.10.4-6")
    @ParameterizedTest
    @EnumSource
    void severalFiltersAreLikeSeveralUnsubscribes(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(ONE, topic + "/a", topic + "/b", topic + "/c");
            var reasons = subscriber.unsubscribe(topic + "/a", topic + "/x", topic + "/b", topic + "/a");
            var none = ReasonCode.NO_SUBSCRIPTION_EXISTED;
            if (version.isV5()) assertThat(reasons).containsExactly(ReasonCode.SUCCESS, none, ReasonCode.SUCCESS, none);
            else assertThat(reasons).isEmpty();
            for (var name : List.of("a", "b", "c")) publisher.publish(ONE, topic + "/" + name, name);
            assertThat(subscriber.text()).isEqualTo("c");
        }
    }

    @Spec(
            value = {"MQTT-3.10.4-1", "MQTT-3.10.4-2"},
            v311 = {"MQTT-3.10.4-1", "MQTT-3.10.4-2"})
    @ParameterizedTest
    @EnumSource
    void onlyTheVerySameFilterIsDeleted(ProtocolVersion version) {
        try (var subscriber = Peer.online(version);
                var publisher = Peer.online(version)) {
            subscriber.subscribe(ONE, topic + "/+").subscribe(ONE, "talk/marker/" + topic);
            subscriber.unsubscribe(topic + "/#", topic + "/a", "#", topic + "/+/", topic.toUpperCase() + "/+");
            publisher.publish(ONE, topic + "/a", "still");
            assertThat(subscriber.text()).isEqualTo("still");
            subscriber.unsubscribe(topic + "/+");
            publisher.publish(ONE, topic + "/a", "no more").publish(ONE, "talk/marker/" + topic, "marker");
            assertThat(subscriber.text()).isEqualTo("marker");
        }
    }

    /** Of a QoS 2 message that has been sent, PUBREL follows the PUBREC; also for a session that is resumed. */
    @Spec(value = "MQTT-3.10.4-3", v311 = "MQTT-3.10.4-3")
    @ParameterizedTest
    @EnumSource
    void aDeliveryThatHasBegunIsCompleted(ProtocolVersion version) {
        var clientId = Device.id("unsubscribe");
        try (var publisher = Peer.online(version)) {
            Packet.Publish second;
            try (var subscriber = Peer.durable(version, clientId)) {
                subscriber.subscribe(TWO, topic);
                publisher.publish(TWO, topic, "first").publish(TWO, topic, "second");
                var first = subscriber.delivered();
                second = subscriber.delivered();
                subscriber.unsubscribe(topic);
                subscriber.answer(first);
                subscriber.leave();
            }
            try (var subscriber = Peer.resumed(version, clientId)) {
                var again = subscriber.taken();
                assertThat(again.packetId()).isEqualTo(second.packetId());
                assertThat(Peer.text(again)).isEqualTo("second");
                subscriber.assertNothingMore();
            }
        }
    }
}
