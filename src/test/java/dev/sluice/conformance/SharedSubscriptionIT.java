package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Section 4.8.2. MQTT 3 has no Shared Subscriptions, but nothing keeps its clients from using them. */
class SharedSubscriptionIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final String topic = "talk/" + Device.id("shared");
    private final String shared = "$share/g/" + topic;

    private void publish(QoS qos, String... texts) {
        try (var publisher = Peer.online(V5)) {
            for (var text : texts) publisher.publish(qos, topic, text);
        }
    }

    /** What a member has got, up to a marker that it gets by a subscription of its own. */
    private List<String> taken(Peer member) {
        member.subscribe(TWO, topic + "/marker");
        try (var publisher = Peer.online(V5)) {
            publisher.publish(TWO, topic + "/marker", "marker");
        }
        var texts = new ArrayList<String>();
        for (var text = member.text(); !text.equals("marker"); text = member.text()) texts.add(text);
        return texts;
    }

    @ParameterizedTest
    @EnumSource
    void everyMessageGoesToOneMember(QoS qos) {
        var texts = IntStream.range(0, 30).mapToObj(i -> "m" + i).toArray(String[]::new);
        try (var one = Peer.online(V5);
                var two = Peer.online(V5);
                var three = Peer.online(ProtocolVersion.V3_1_1);
                var elsewhere = Peer.online(V5)) {
            for (var member : List.of(one, two, three)) member.subscribe(qos, shared);
            elsewhere.subscribe(qos, "$share/h/" + topic);
            publish(qos, texts);
            var all = new ArrayList<String>();
            for (var member : List.of(one, two, three)) {
                var taken = taken(member);
                assertThat(taken).isNotEmpty();
                all.addAll(taken);
            }
            assertThat(all).containsExactlyInAnyOrder(texts);
            assertThat(taken(elsewhere)).containsExactly(texts);
        }
    }

    @Spec("MQTT-4.8.2-1")
    @ParameterizedTest
    @ValueSource(strings = {"$share//talk", "$share/"})
    void aShareNameIsNeeded(String filter) {
        assertWrong(filter);
    }

    @Spec("MQTT-4.8.2-2")
    @ParameterizedTest
    @ValueSource(strings = {"$share/g+/talk", "$share/#/talk", "$share/+/talk", "$share/g", "$share/g/", "$share/g/a#"})
    void aShareNameIsPlainAndHasAFilterBehindIt(String filter) {
        assertWrong(filter);
    }

    private static void assertWrong(String filter) {
        try (var client = Peer.online(V5)) {
            assertThat(client.asked(Peer.to(filter, ONE))).containsExactly(ReasonCode.TOPIC_FILTER_INVALID);
        }
    }

    @Spec("MQTT-4.8.2-3")
    @Test
    void everyMemberHasItsOwnQoS() {
        try (var zero = Peer.online(V5);
                var two = Peer.online(V5)) {
            zero.subscribe(QoS.AT_MOST_ONCE, shared);
            two.subscribe(TWO, shared);
            publish(TWO, "a", "b", "c", "d");
            for (var member : List.of(zero, two)) {
                var expected = member == zero ? QoS.AT_MOST_ONCE : TWO;
                assertThat(member.taken().qos()).isEqualTo(expected);
            }
        }
    }

    /** The delivery has begun: it is completed with the client that it began with. */
    @Spec("MQTT-4.8.2-4")
    @Test
    void aQoS2DeliveryWaitsForItsMember() {
        var clientId = Device.id("shared");
        try (var other = Peer.online(V5)) {
            Packet.Publish held;
            try (var member = Peer.durable(V5, clientId)) {
                member.subscribe(TWO, shared);
                publish(TWO, "held");
                held = member.delivered();
                other.subscribe(TWO, shared);
                member.leave();
            }
            publish(TWO, "marker");
            assertThat(other.text()).isEqualTo("marker");
            try (var member = Peer.resumed(V5, clientId)) {
                var again = member.taken();
                assertThat(Peer.text(again)).isEqualTo("held");
                assertThat(again.packetId()).isEqualTo(held.packetId());
                assertThat(again.dup()).isTrue();
            }
            other.assertNothingMore();
        }
    }

    @Spec("MQTT-4.8.2-5")
    @Test
    void aQoS2DeliveryEndsWithTheSessionOfItsMember() {
        var clientId = Device.id("shared");
        try (var other = Peer.online(V5)) {
            try (var member = Peer.connect(Device.connect(V5, clientId, true, Properties.NONE))) {
                member.subscribe(TWO, shared);
                publish(TWO, "held");
                member.delivered();
                other.subscribe(TWO, shared);
            }
            await().until(() ->
                    Gateway.shared().query("SELECT epoch FROM session WHERE client_id = ?", clientId) == null);
            publish(TWO, "marker");
            assertThat(other.text()).isEqualTo("marker");
            other.assertNothingMore();
        }
    }

    @Spec("MQTT-4.8.2-6")
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatAMemberRefusesGoesToNobody(QoS qos) {
        try (var member = Peer.online(V5);
                var other = Peer.online(V5)) {
            member.subscribe(qos, shared);
            publish(qos, "refused");
            var packetId = member.delivered().packetId();
            other.subscribe(qos, shared);
            var reason = ReasonCode.UNSPECIFIED_ERROR;
            member.wire()
                    .sendPackets(
                            qos == ONE
                                    ? new Packet.PubAck(packetId, reason, Properties.NONE)
                                    : new Packet.PubRec(packetId, reason, Properties.NONE));
            member.assertNothingMore();
            member.leave();
            publish(qos, "marker");
            assertThat(other.text()).isEqualTo("marker");
            other.assertNothingMore();
        }
    }

    /** A QoS 1 message that a member has left unanswered when its session ends is not lost while others are there. */
    @Test
    void whatAMemberLeavesAtQoS1GoesToAnother() {
        try (var other = Peer.online(V5)) {
            try (var member = Peer.online(V5)) {
                member.subscribe(ONE, shared);
                publish(ONE, "left");
                member.delivered();
                other.subscribe(ONE, shared);
            }
            assertThat(other.text()).isEqualTo("left");
        }
    }

    /** The same for a session in PostgreSQL: one that does not come back leaves to others what it was not sent, or did not answer. */
    @Test
    void whatADurableMemberLeavesAtQoS1GoesToAnother() {
        var clientId = Device.id("shared");
        try (var live = Peer.online(V5);
                var durable = Peer.durable(V5, Device.id("heir"))) {
            try (var member = Peer.durable(V5, clientId)) {
                member.subscribe(ONE, shared);
                publish(ONE, "unanswered");
                member.delivered();
                member.leave();
            }
            publish(ONE, "b", "c", "d", "e", "f");
            live.subscribe(ONE, shared);
            durable.subscribe(ONE, shared);
            Device.online(V5, clientId).close(); // a clean start ends the session
            awaitNothingWaits();
            var texts = new ArrayList<>(taken(live));
            live.assertNothingMore();
            texts.addAll(taken(durable));
            durable.assertNothingMore();
            assertThat(texts).containsExactlyInAnyOrder("unanswered", "b", "c", "d", "e", "f");
        }
    }

    /** For members that are away, or that are no more. */
    private void awaitNothingWaits() {
        await().until(() -> "0"
                .equals(Gateway.shared()
                        .query(
                                "SELECT count(*) FROM queued r WHERE r.share = ? AND NOT EXISTS ("
                                        + "SELECT FROM session s WHERE s.id = r.session_id AND s.connected)",
                                shared)));
    }

    /** What nobody was there for goes to whoever comes first: its own member may never come back. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatWaitsForAMemberThatIsAwayGoesToOneThatComes(QoS qos) {
        var texts = IntStream.range(0, 40).mapToObj(i -> "m" + i).toArray(String[]::new);
        for (var isDurable : List.of(false, true)) {
            Peer.durable(V5, Device.id("away")).subscribe(qos, shared).leave();
            publish(qos, texts);
            try (var comer = isDurable ? Peer.durable(V5, Device.id("comer")) : Peer.online(V5)) {
                comer.subscribe(qos, shared);
                awaitNothingWaits();
                assertThat(taken(comer)).containsExactlyInAnyOrder(texts);
                comer.assertNothingMore();
                comer.unsubscribe(shared);
            }
        }
    }

    /** As SQL does while no gateway listens, or another gateway. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatAMemberWouldGetWhoseSessionHasEndedUnnoticedGoesToAnother(QoS qos) {
        var ghost = Device.id("ghost");
        var heir = Device.id("heir");
        for (var clientId : List.of(ghost, heir)) {
            Peer.durable(V5, clientId).subscribe(qos, shared).leave();
            await().until(() ->
                    "f".equals(Gateway.shared().query("SELECT connected FROM session WHERE client_id = ?", clientId)));
        }
        var deleted = Gateway.shared()
                .query(
                        "WITH unnoticed AS MATERIALIZED (SELECT set_config('sluice.gateway', 'on', true) AS set),"
                                + " gone AS (DELETE FROM session USING unnoticed"
                                + " WHERE client_id = ? AND unnoticed.set = 'on' RETURNING client_id)"
                                + " SELECT client_id FROM gone",
                        ghost);
        assertThat(deleted).isEqualTo(ghost);
        var texts = IntStream.range(0, 10).mapToObj(i -> "m" + i).toArray(String[]::new);
        publish(qos, texts);
        try (var back = Peer.resumed(V5, heir)) {
            var taken = new ArrayList<String>();
            for (int i = 0; i < texts.length; i++) taken.add(back.text());
            assertThat(taken).containsExactly(texts);
            back.assertNothingMore();
        }
    }

    @Test
    void whoUnsubscribesIsNoMemberAnyMore() {
        try (var one = Peer.online(V5);
                var two = Peer.online(V5)) {
            one.subscribe(ONE, shared);
            two.subscribe(ONE, shared);
            assertThat(one.unsubscribe(topic)).containsExactly(ReasonCode.NO_SUBSCRIPTION_EXISTED);
            assertThat(one.unsubscribe(shared)).containsExactly(ReasonCode.SUCCESS);
            publish(ONE, "a", "b", "c");
            assertThat(List.of(two.text(), two.text(), two.text())).containsExactly("a", "b", "c");
            one.assertNothingMore();
        }
    }
}
