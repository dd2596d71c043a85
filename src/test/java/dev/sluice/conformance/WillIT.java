package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.Spec;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WillIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private final String topic = "talk/" + Device.id("will");
    private final String clientId = Device.id("mortal");

    private Will will(String text) {
        return will(text, ONE, false);
    }

    private Will will(String text, QoS qos, boolean retain) {
        var payload = text.getBytes(StandardCharsets.UTF_8);
        return new Will(TopicName.of(topic), qos, retain, Properties.NONE, payload);
    }

    private Peer mortal(ProtocolVersion version, Will will) {
        return Peer.connect(Device.connect(version, clientId, will, Properties.NONE));
    }

    private Peer watcher(ProtocolVersion version) {
        return Peer.online(version).subscribe(QoS.EXACTLY_ONCE, topic);
    }

    /** Asserts that no will has come: that of a client that is lost now is the first. */
    private void assertNoWill(Peer watcher) {
        Peer.connect(Device.connect(V5, Device.id("marker"), will("marker"), Properties.NONE))
                .close();
        assertThat(watcher.text()).isEqualTo("marker");
    }

    @Spec(
            value = {"MQTT-3.1.2-7", "MQTT-3.1.2-8"},
            v311 = "MQTT-3.1.2-8")
    @ParameterizedTest
    @EnumSource
    void aLostConnectionPublishesItsWill(ProtocolVersion version) {
        try (var watcher = watcher(version)) {
            mortal(version, will("gone")).close();
            assertThat(watcher.text()).isEqualTo("gone");
        }
        assertThat(Records.of(Gateway.shared(), "wire.talk", clientId, 1)
                        .getFirst()
                        .text())
                .isEqualTo("gone");
    }

    @ParameterizedTest
    @EnumSource
    void aWillKeepsItsQoS(QoS qos) {
        try (var watcher = watcher(V5)) {
            mortal(V5, will("gone", qos, false)).close();
            assertThat(watcher.taken().qos()).isEqualTo(qos);
        }
    }

    /** The server closes the connection itself. */
    @Spec(value = "MQTT-3.1.2-8", v311 = "MQTT-3.1.2-8")
    @ParameterizedTest
    @EnumSource
    void aFaultPublishesTheWill(ProtocolVersion version) {
        try (var watcher = watcher(version);
                var mortal = mortal(version, will("faulty"))) {
            mortal.wire().sendPackets(new Packet.PingResp());
            Device.assertEnded(mortal.wire(), version, ReasonCode.PROTOCOL_ERROR);
            assertThat(watcher.text()).isEqualTo("faulty");
        }
    }

    @Spec(value = "MQTT-3.1.2-8", v311 = "MQTT-3.1.2-8")
    @ParameterizedTest
    @EnumSource
    void silencePublishesTheWill(ProtocolVersion version) {
        var connect = new Packet.Connect(version, true, 1, clientId, will("silent"), null, null, Properties.NONE);
        try (var watcher = watcher(version);
                var mortal = Peer.connect(connect)) {
            assertThat(watcher.text()).isEqualTo("silent");
            Device.assertEnded(mortal.wire(), version, ReasonCode.KEEP_ALIVE_TIMEOUT);
        }
    }

    @Spec(value = "MQTT-3.1.2-8", v311 = "MQTT-3.1.2-8")
    @ParameterizedTest
    @EnumSource
    void aTakeOverPublishesTheWillOfTheOlderConnection(ProtocolVersion version) {
        try (var watcher = watcher(version);
                var older = mortal(version, will("older"));
                var newer = mortal(version, will("newer"))) {
            Device.assertEnded(older.wire(), version, ReasonCode.SESSION_TAKEN_OVER);
            assertThat(watcher.text()).isEqualTo("older");
            newer.leave();
            assertNoWill(watcher);
        }
    }

    @Spec(
            value = {"MQTT-3.1.2-10", "MQTT-3.14.4-3"},
            v311 = {"MQTT-3.1.2-10", "MQTT-3.14.4-3"})
    @ParameterizedTest
    @EnumSource
    void aNormalDisconnectDiscardsTheWill(ProtocolVersion version) {
        try (var watcher = watcher(version)) {
            mortal(version, will("gone")).leave();
            assertNoWill(watcher);
        }
    }

    @Spec("MQTT-3.1.2-8")
    @Test
    void aDisconnectMayAskForTheWill() {
        try (var watcher = watcher(V5);
                var mortal = mortal(V5, will("asked for"))) {
            mortal.wire().sendPackets(new Packet.Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, Properties.NONE));
            mortal.wire().closeStatus();
            assertThat(watcher.text()).isEqualTo("asked for");
        }
    }

    /** Any reason but 0x00. */
    @Spec("MQTT-3.1.2-8")
    @Test
    void aDisconnectWithAnErrorPublishesTheWill() {
        try (var watcher = watcher(V5);
                var mortal = mortal(V5, will("in error"))) {
            mortal.wire().sendPackets(new Packet.Disconnect(ReasonCode.UNSPECIFIED_ERROR, Properties.NONE));
            mortal.wire().closeStatus();
            assertThat(watcher.text()).isEqualTo("in error");
        }
    }

    /** A will that was published is gone from the session. */
    @Spec(value = "MQTT-3.1.2-10", v311 = "MQTT-3.1.2-10")
    @ParameterizedTest
    @EnumSource
    void aWillIsPublishedOnce(ProtocolVersion version) {
        var properties = version.isV5() ? Device.expiry(60) : Properties.NONE;
        try (var watcher = watcher(version)) {
            Peer.connect(new Packet.Connect(version, false, 60, clientId, will("once"), null, null, properties))
                    .close();
            assertThat(watcher.text()).isEqualTo("once");
            Peer.resumed(version, clientId).close();
            assertNoWill(watcher);
        }
    }

    @Spec(v311 = "MQTT-3.1.2-12")
    @ParameterizedTest
    @EnumSource
    void aConnectionWithoutAWillPublishesNone(ProtocolVersion version) {
        try (var watcher = watcher(version)) {
            mortal(version, will("of the one before")).leave();
            mortal(version, null).close();
            assertNoWill(watcher);
        }
    }

    @Spec(
            value = {"MQTT-3.1.2-14", "MQTT-3.1.2-15"},
            v311 = {"MQTT-3.1.2-16", "MQTT-3.1.2-17"})
    @ParameterizedTest
    @EnumSource
    void aWillIsRetainedWhereItAsksForIt(ProtocolVersion version) {
        try (var watcher = watcher(version)) {
            mortal(version, will("retained", ONE, true)).close();
            assertThat(watcher.text()).isEqualTo("retained");
            mortal(version, will("not retained", ONE, false)).close();
            assertThat(watcher.text()).isEqualTo("not retained");
        }
        try (var later = watcher(version)) {
            var publish = later.taken();
            assertThat(Peer.text(publish)).isEqualTo("retained");
            assertThat(publish.retain()).isTrue();
            later.assertNothingMore();
        }
    }

    /** Every field of CONNECT is there, in the order of the standard. */
    @Spec(value = "MQTT-3.1.3-1", v311 = "MQTT-3.1.3-1")
    @ParameterizedTest
    @EnumSource
    void theFieldsOfConnectAreReadInTheirOrder(ProtocolVersion version) {
        var connect = new Packet.Connect(
                version, true, 60, clientId, will("gone"), "user", new byte[] {1, 2}, Properties.NONE);
        try (var watcher = watcher(version)) {
            Peer.connect(connect).close();
            assertThat(watcher.text()).isEqualTo("gone");
        }
        assertThat(Records.of(Gateway.shared(), "wire.talk", clientId, 1)).hasSize(1);
    }

    /** A will is for whoever is subscribed when it is published, and waits for those who are away. */
    @Test
    void aWillWaitsForAClientThatIsAway() {
        var away = Device.id("away");
        Peer.durable(V5, away).subscribe(ONE, topic).leave();
        try (var watcher = watcher(V5)) {
            mortal(V5, will("gone")).close();
            assertThat(watcher.text()).isEqualTo("gone");
        }
        try (var back = Peer.resumed(V5, away)) {
            assertThat(back.text()).isEqualTo("gone");
        }
    }
}
