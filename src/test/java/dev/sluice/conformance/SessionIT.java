package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SessionIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String TOPIC = "fleet/a/telemetry";

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("session");

    private String row(String column) {
        return gateway.query("SELECT " + column + " FROM session WHERE client_id = ?", clientId);
    }

    @Spec(
            value = {"MQTT-3.1.2-4", "MQTT-3.1.2-6", "MQTT-3.1.4-4", "MQTT-3.2.2-2", "MQTT-3.2.2-3"},
            v311 = {"MQTT-3.1.2-6", "MQTT-3.1.4-3", "MQTT-3.2.2-1", "MQTT-3.2.2-2", "MQTT-3.2.2-3"})
    @ParameterizedTest
    @EnumSource
    void aKeptSessionIsPresentUntilACleanStart(ProtocolVersion version) {
        Device.durable(version, clientId, false).close();
        // MQTT 3.1 has no Session Present
        Device.durable(version, clientId, version != ProtocolVersion.V3_1).close();
        Device.online(version, clientId).close();
        await().until(() -> row("epoch") == null);
        Device.durable(version, clientId, false).close();
    }

    @Test
    void theEpochRisesWithEachOpen() {
        Device.durable(V5, clientId, false).close();
        var first = Long.parseLong(row("epoch"));
        Device.durable(V5, clientId, true).close();
        assertThat(Long.parseLong(row("epoch"))).isGreaterThan(first);
    }

    @Test
    void aSessionWithoutExpiryEndsWithItsConnection() {
        try (var client = Device.online(V5, clientId)) {
            assertThat(row("connected")).isEqualTo("t");
            client.sendPackets(Device.goodbye());
            assertThat(client.closeStatus()).isEqualTo(1000);
        }
        await().until(() -> row("epoch") == null);
    }

    @Test
    void aSocketThatIsGoneBeforeItsSessionIsOpenLeavesNoSession() {
        for (int i = 0; i < 20; i++) {
            var client = Device.socket(V5);
            client.connect(Device.connect(V5, clientId, true, Properties.NONE)).close();
        }
        await().untilAsserted(() -> assertThat(row("connected")).isNull());
    }

    @Spec({"MQTT-3.1.2-23", "MQTT-4.1.0-2"})
    @Test
    void aSessionEndsWhenItsExpiryHasPassed() {
        try (var client = Device.socket(V5)) {
            Device.connected(client, Device.connect(V5, clientId, false, Device.expiry(1)));
        }
        await().until(() -> "f".equals(row("connected")));
        await().until(() -> row("epoch") == null);
        Device.durable(V5, clientId, false).close();
    }

    @Test
    void disconnectMayEndAKeptSession() {
        try (var client = Device.durable(V5, clientId, false)) {
            client.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Device.expiry(0)));
            client.closeStatus();
        }
        await().until(() -> row("epoch") == null);
    }

    /** Section 3.14.2.2.2. */
    @Test
    void disconnectMayNotKeepASessionThatHadNoExpiry() {
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Device.expiry(10)));
            Device.assertEnded(client, V5, ReasonCode.PROTOCOL_ERROR);
        }
    }

    @Spec(value = "MQTT-3.1.4-3", v311 = "MQTT-3.1.4-2")
    @ParameterizedTest
    @EnumSource
    void aSecondConnectionTakesTheSessionOver(ProtocolVersion version) {
        try (var older = Device.durable(version, clientId, false);
                var newer = Device.durable(version, clientId, version != ProtocolVersion.V3_1)) {
            Device.assertEnded(older, version, ReasonCode.SESSION_TAKEN_OVER);
            newer.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, "mine"));
            newer.receive(Packet.PubAck.class);
            assertThat(row("connected")).isEqualTo("t");
        }
        await().until(() -> "f".equals(row("connected")));
    }

    /** A repeat after a reconnect is answered and not produced twice. */
    @Spec(
            value = {"MQTT-4.3.3-8", "MQTT-4.3.3-10", "MQTT-4.3.3-11", "MQTT-4.3.3-12"},
            v311 = "MQTT-4.3.3-2")
    @ParameterizedTest
    @EnumSource
    void aQoS2RepeatAfterAReconnectIsNotProducedTwice(ProtocolVersion version) {
        var publish = Device.publish(QoS.EXACTLY_ONCE, 7, TOPIC, "once");
        try (var client = Device.durable(version, clientId, false)) {
            client.sendPackets(publish);
            assertThat(client.receive(Packet.PubRec.class)).isEqualTo(new Packet.PubRec(7));
        }
        assertThat(gateway.query("SELECT packet_id FROM received WHERE client_id = ?", clientId))
                .isEqualTo("7");
        try (var client = Device.durable(version, clientId, version != ProtocolVersion.V3_1)) {
            client.sendPackets(Device.repeated(publish));
            assertThat(client.receive(Packet.PubRec.class)).isEqualTo(new Packet.PubRec(7));
            client.sendPackets(new Packet.PubRel(7));
            assertThat(client.receive(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(7));
            assertThat(gateway.query("SELECT packet_id FROM received WHERE client_id = ?", clientId))
                    .isNull();
            assertThat(Records.of(gateway, "wire.telemetry", clientId)).hasSize(1);
            client.sendPackets(publish);
            client.receive(Packet.PubRec.class);
            assertThat(Records.of(gateway, "wire.telemetry", clientId)).hasSize(2);
        }
    }

    /** Libraries that count packet identifiers anew with each connection, and keep the session, lose nothing; some repeat without DUP. */
    @ParameterizedTest
    @EnumSource
    void anotherQoS2MessageUnderTheIdentifierOfAnEarlierOneIsProduced(ProtocolVersion version) {
        var clean = version != ProtocolVersion.V3_1;
        for (var text : List.of("first", "another", "third")) {
            var publish = Device.publish(QoS.EXACTLY_ONCE, 7, TOPIC, text);
            for (int attempt = 0; attempt < 2; attempt++) {
                try (var client = Device.durable(version, clientId, clean && (attempt > 0 || !text.equals("first")))) {
                    client.sendPackets(publish);
                    assertThat(client.receive(Packet.PubRec.class)).isEqualTo(new Packet.PubRec(7));
                }
            }
        }
        try (var client = Device.durable(version, clientId, clean)) {
            client.sendPackets(new Packet.PubRel(7));
            assertThat(client.receive(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(7));
        }
        assertThat(Records.of(gateway, "wire.telemetry", clientId))
                .extracting(Records.Record::text)
                .containsExactly("first", "another", "third");
    }

    /** The repeat is produced again, under the message id of its first; also in a session that begins anew. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void aRepeatThatIsProducedAgainCarriesTheSameMessageId(QoS qos) {
        var publish = Device.publish(qos, 9, TOPIC, "again");
        for (int attempt = 0; attempt < 2; attempt++) {
            try (var client = Device.online(V5, clientId)) {
                client.sendPackets(attempt == 0 ? publish : Device.repeated(publish));
                client.receive();
            }
        }
        var records = Records.of(gateway, "wire.telemetry", clientId);
        assertThat(records).hasSize(2);
        assertThat(records.get(1).header("mqtt-message-id"))
                .isNotNull()
                .isEqualTo(records.get(0).header("mqtt-message-id"));
        assertThat(records.get(1).header("mqtt-seq"))
                .isNotEqualTo(records.get(0).header("mqtt-seq"));
    }

    @Test
    void differentMessagesCarryDifferentMessageIds() {
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, "a"),
                    Device.publish(QoS.AT_LEAST_ONCE, 2, TOPIC, "a"),
                    Device.publish(QoS.AT_LEAST_ONCE, 3, TOPIC, "b"),
                    Device.publish(QoS.AT_LEAST_ONCE, 4, TOPIC + "/x", "a"));
            for (int i = 0; i < 4; i++) client.receive(Packet.PubAck.class);
        }
        assertThat(Records.of(gateway, "wire.telemetry", clientId))
                .extracting(record -> record.header("mqtt-message-id"))
                .hasSize(4)
                .doesNotHaveDuplicates();
    }

    @Spec("MQTT-3.3.4-7")
    @Test
    void moreUnansweredPublishesThanTheReceiveMaximumEndTheConnection() {
        try (var client = Device.online(V5, clientId)) {
            for (int id = 1; id <= 20; id++) client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, id, TOPIC, "m"));
            for (int id = 1; id <= 20; id++) client.receive(Packet.PubRec.class);
            var large = new byte[40_000]; // so many of them reach the bound
            client.sendPackets(IntStream.rangeClosed(21, 47)
                    .mapToObj(id -> Device.publish(QoS.AT_LEAST_ONCE, id, TOPIC, large, Properties.NONE))
                    .toArray(Packet[]::new));
            Device.assertEnded(client, V5, ReasonCode.RECEIVE_MAXIMUM_EXCEEDED);
        }
    }

    /** Many libraries send everything again after a reconnect, whatever the Receive Maximum. */
    @ParameterizedTest
    @EnumSource
    void whatIsAboveTheReceiveMaximumWaitsForItsTurn(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.sendPackets(IntStream.rangeClosed(1, 100)
                    .mapToObj(id -> Device.publish(QoS.AT_LEAST_ONCE, id, TOPIC, "m" + id))
                    .toArray(Packet[]::new));
            for (int id = 1; id <= 100; id++)
                assertThat(client.receive(Packet.PubAck.class).packetId()).isEqualTo(id);
        }
    }

    /** Some libraries free a packet identifier at PUBREC. */
    @ParameterizedTest
    @EnumSource
    void anIdentifierThatComesAgainBeforePubCompGetsItsPubRec(ProtocolVersion version) {
        var expiry = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 60);
        try (var client = WireClient.open(Gateway.shared().port(), version)) {
            Device.connected(
                    client, Device.connect(version, clientId, false, version.isV5() ? expiry : Properties.NONE));
            client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, 1, TOPIC, "first"));
            assertThat(client.receive(Packet.PubRec.class).packetId()).isEqualTo(1);
            client.sendPackets(new Packet.PubRel(1), Device.publish(QoS.EXACTLY_ONCE, 1, TOPIC, "second"));
            assertThat(client.receive(Packet.PubComp.class).packetId()).isEqualTo(1);
            assertThat(client.receive(Packet.PubRec.class).packetId()).isEqualTo(1);
        }
        assertThat(Records.of(gateway, "wire.telemetry", clientId))
                .extracting(Records.Record::text)
                .containsExactly("first", "second");
    }

    @Spec("MQTT-3.7.2-1")
    @Test
    void anUnknownPubRelIsAnswered() {
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(new Packet.PubRel(3));
            assertThat(client.receive(Packet.PubComp.class).reason()).isEqualTo(ReasonCode.PACKET_IDENTIFIER_NOT_FOUND);
        }
        try (var client = Device.online(ProtocolVersion.V3_1_1, clientId)) {
            client.sendPackets(new Packet.PubRel(3));
            assertThat(client.receive(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(3));
        }
    }

    @Spec({"MQTT-3.2.2-17", "MQTT-3.3.2-9", "MQTT-3.3.2-12"})
    @Test
    void aTopicAliasStandsForItsName() {
        var alias = Properties.NONE.with(Property.TOPIC_ALIAS, 5);
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, new byte[] {1}, alias),
                    Device.publish(QoS.AT_LEAST_ONCE, 2, "", new byte[] {2}, alias));
            client.receive(Packet.PubAck.class);
            client.receive(Packet.PubAck.class);
            assertThat(Records.of(gateway, "wire.telemetry", clientId))
                    .extracting(record -> record.header("mqtt-topic"))
                    .containsExactly(TOPIC, TOPIC);
            client.sendPackets(Device.publish(
                    QoS.AT_LEAST_ONCE, 3, TOPIC, new byte[0], Properties.NONE.with(Property.TOPIC_ALIAS, 6)));
            Device.assertEnded(client, V5, ReasonCode.TOPIC_ALIAS_INVALID);
        }
    }

    /** As the page on operations allows: whoever is connected hears of it, whatever it does next. */
    @Test
    void aClientWhoseSessionIsDeletedIsTold() {
        for (var clean : new boolean[] {true, false}) {
            var properties = clean ? Properties.NONE : Device.expiry(3600);
            try (var client = Device.socket(V5)) {
                Device.connected(client, Device.connect(V5, clientId, true, properties));
                assertThat(delete()).isEqualTo(clientId);
                Device.assertEnded(client, V5, ReasonCode.ADMINISTRATIVE_ACTION);
            }
        }
    }

    /** Nor did another gateway hear of it, which might have been the one that the client is at. */
    @Test
    void aClientWhoseSessionIsDeletedUnheardIsTold() {
        try (var client = Device.socket(V5)) {
            Device.connected(client, Device.connect(V5, clientId, true, Device.expiry(3600)));
            gateway.execute("DO $$ BEGIN PERFORM set_config('sluice.gateway', 'on', true); DELETE FROM session WHERE"
                    + " client_id = '" + clientId + "'; END $$");
            gateway.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE query LIKE 'SELECT version FROM %_set' AND pid <> pg_backend_pid()");
            Device.assertEnded(client, V5, ReasonCode.ADMINISTRATIVE_ACTION);
        }
    }

    /** Else each message would be kept for nobody, and commands would wait for it. */
    @Test
    void theSubscriptionsOfASessionThatIsDeletedAreForgotten() {
        var before = gateway.metric("sluice_subscriptions");
        Peer.durable(V5, clientId)
                .subscribe(QoS.AT_LEAST_ONCE, TOPIC, "a/#", "b/#")
                .leave();
        await().until(() -> "f".equals(row("connected")));
        assertThat(gateway.metric("sluice_subscriptions") - before).isEqualTo(3);
        delete();
        await().until(() -> gateway.metric("sluice_subscriptions") == before);
    }

    private String delete() {
        return gateway.query("DELETE FROM session WHERE client_id = ? RETURNING client_id", clientId);
    }
}
