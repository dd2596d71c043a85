package dev.sluice.conformance;

import static dev.sluice.conformance.CredentialIT.gateways;
import static dev.sluice.conformance.RuledGateways.RULES;
import static dev.sluice.conformance.RuledGateways.publish;
import static dev.sluice.conformance.RuledGateways.subscribe;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients get that try to get round the rules. */
abstract class AccessRulesCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final ProtocolVersion V311 = ProtocolVersion.V3_1_1;

    @BeforeAll
    static void letIn() {
        gateways.letIn();
    }

    private static Packet.Publish retained(QoS qos, int packetId, String topic) {
        var payload = "kept".getBytes(StandardCharsets.UTF_8);
        return new Packet.Publish(false, qos, true, TopicName.of(topic), packetId, Properties.NONE, payload);
    }

    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatNoRuleAllowsIsRefusedAndTheConnectionGoesOn(QoS qos) {
        var id = Device.id("pub");
        try (var client = gateways.online(V5, id)) {
            assertThat(publish(client, qos, "talk/other/x")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, qos, "talk/" + id + "x")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, qos, "talk/" + id + "/x").isError()).isFalse();
        }
        try (var client = gateways.online(V311, id)) {
            client.sendPackets(Device.publish(qos, 1, "talk/other/x", "m"));
            client.closeStatus();
        }
    }

    @Test
    void aMessageOfQoS0ThatIsRefusedReachesNobody() {
        var victim = Device.id("victim");
        try (var subscriber = gateways.online(V5, victim);
                var attacker = gateways.online(V5, Device.id("attacker"))) {
            subscribe(subscriber, "talk/" + victim + "/#", QoS.AT_LEAST_ONCE);
            attacker.sendPackets(
                    Device.publish(QoS.AT_MOST_ONCE, 0, "talk/" + victim + "/x", "m"), new Packet.PingReq());
            attacker.receive(Packet.PingResp.class);
            subscriber.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/" + victim + "/marker", "m"));
            assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/" + victim + "/marker");
        }
    }

    @Test
    void theCeilingOfARuleAndRetainHold() {
        try (var client = gateways.online(V5, Device.id("ceiling"))) {
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/slow")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "talk/slow", QoS.EXACTLY_ONCE)).isEqualTo(ReasonCode.SUCCESS);
            client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/slow", "m"));
            assertThat(client.receive(Packet.Publish.class).qos()).isEqualTo(QoS.AT_MOST_ONCE);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/plain").isError())
                    .isFalse();
            client.sendPackets(retained(QoS.AT_LEAST_ONCE, 8, "talk/plain"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "#",
                "+/#",
                "+",
                "/#",
                "talk/#",
                "talk/+/x",
                "talk/+/#",
                "+/all/#",
                "$SYS/#",
                "$SYS/+",
                "$share/g/#",
                "$share/g/talk/+/#",
                "$share/talk/all/#",
                "talk/other/#",
                "talk/all/#",
                "talk/all/+/x",
                "talk/all/closed"
            })
    void noFilterReachesMoreThanIsAllowed(String filter) {
        try (var client = gateways.online(V5, Device.id("escape"))) {
            assertThat(subscribe(client, filter, QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "talk/all/open/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
            assertThat(subscribe(client, "$share/g/talk/all/open/#", QoS.AT_LEAST_ONCE))
                    .isEqualTo(ReasonCode.GRANTED_QOS_1);
        }
        try (var client = gateways.online(V311, Device.id("escape"))) {
            assertThat(subscribe(client, filter, QoS.AT_LEAST_ONCE).isError()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"+", "#", "other/x", "+/#", "../all", "$SYS", "{clientId}"})
    void noClientIdInjectsIntoAFilter(String clientId) {
        try (var client = gateways.online(V5, clientId)) {
            for (var filter : List.of("talk/+/#", "talk/#", "talk/other/x/#", "talk/+", "$SYS/#", "talk/../all/#"))
                assertThat(subscribe(client, filter, QoS.AT_MOST_ONCE))
                        .describedAs(filter)
                        .isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/other/x/y")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @Test
    void whatMayNotBeReceivedIsNotLiveNorQueuedNorRetainedNorShared() {
        var id = Device.id("receive");
        try (var publisher = gateways.online(V5, Device.id("publisher"))) {
            publisher.sendPackets(retained(QoS.AT_LEAST_ONCE, 1, "talk/all/secret/kept"));
            assertThat(publisher.receive(Packet.PubAck.class).reason().isError())
                    .isFalse();
            gateways.allow("receive-all", "talk/all/#");
            assertThat(gateways.admin()
                            .put(
                                    RULES + "/closed",
                                    "{'subject':'all','effect':'deny','actions':'subscribe','filter':'talk/none'}")
                            .status())
                    .isEqualTo(200);
            try (var subscriber = gateways.durable(0, id, true)) {
                assertThat(subscribe(subscriber, "talk/all/#", QoS.AT_LEAST_ONCE))
                        .isEqualTo(ReasonCode.GRANTED_QOS_1);
                assertThat(subscribe(subscriber, "$share/g/talk/all/#", QoS.AT_LEAST_ONCE))
                        .isEqualTo(ReasonCode.GRANTED_QOS_1);
                publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/secret/live");
                publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/open");
                for (int i = 0; i < 2; i++) {
                    var message = subscriber.receive(Packet.Publish.class);
                    assertThat(message.topicName()).hasToString("talk/all/open");
                    subscriber.sendPackets(new Packet.PubAck(message.packetId()));
                }
                subscriber.sendPackets(Device.goodbye());
                subscriber.closeStatus();
            }
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/secret/queued");
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/later");
            try (var subscriber = gateways.durable(0, id, false)) {
                assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/all/later");
            }
        } finally {
            gateways.delete("receive-all");
            gateways.delete("closed");
        }
    }

    private static Will will(String topic) {
        return new Will(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                "gone".getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @EnumSource
    void aWillThatMayNotBePublishedLetsNobodyIn(ProtocolVersion version) {
        var client = WireClient.open(gateways.ports().getFirst(), version);
        var connect = Device.connect(version, Device.id("will"), will("talk/other/x"), Properties.NONE);
        assertThat(client.connect(RuledGateways.named(connect))
                        .receive(Packet.ConnAck.class)
                        .reason())
                .isEqualTo(ReasonCode.NOT_AUTHORIZED);
        client.closeStatus();
    }

    @Test
    void aWillIsJudgedAgainWhenItIsDue() {
        gateways.allow("wills", "talk/wills/#");
        var watcher = Device.id("watcher");
        try (var subscriber = gateways.online(V5, watcher)) {
            assertThat(subscribe(subscriber, "talk/all/open/#", QoS.AT_LEAST_ONCE))
                    .isEqualTo(ReasonCode.GRANTED_QOS_1);
            var mortal = gateways.open(
                    0, V5, Device.connect(V5, Device.id("mortal"), will("talk/wills/x"), Properties.NONE));
            var lucky = gateways.open(
                    0, V5, Device.connect(V5, Device.id("lucky"), will("talk/all/open/x"), Properties.NONE));
            gateways.delete("wills");
            var refused = wills("refused");
            mortal.close();
            await().until(() -> wills("refused") == refused + 1);
            lucky.close();
            assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/all/open/x");
        }
    }

    private static double wills(String outcome) {
        return gateways.ports().stream()
                .flatMap(port -> Gateway.get(port, "/q/metrics").body().lines())
                .filter(line -> line.startsWith("sluice_wills_total{") && line.contains(outcome))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
