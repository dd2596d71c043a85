package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a route can ask for, on the wire and in Kafka. */
class RouteOptionsIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final int PARTITIONS = 5;
    private static final Properties EVERY_PROPERTY = Properties.NONE
            .with(Property.CONTENT_TYPE, "application/json")
            .with(Property.RESPONSE_TOPIC, "answers/1")
            .with(Property.CORRELATION_DATA, new byte[] {(byte) 0xFF, 0, 1})
            .with(Property.PAYLOAD_FORMAT_INDICATOR, 1)
            .with(Property.MESSAGE_EXPIRY_INTERVAL, 90)
            .withUserProperty("Site", "Köln");

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("options");

    private String epoch() {
        return gateway.query("SELECT epoch FROM session WHERE client_id = ?", clientId);
    }

    private List<Records.Record> records(String kafkaTopic, int atLeast) {
        return Records.of(gateway, kafkaTopic, clientId, atLeast);
    }

    private void publish(ProtocolVersion version, String... topics) {
        try (var client = Device.online(version, clientId)) {
            int id = 0;
            for (var topic : topics) {
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, ++id, topic, "x" + id));
                assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            }
        }
    }

    @Test
    void aCloudEventHasEverythingInItsHeaders() {
        var payload = "{\"speed\":1}".getBytes(StandardCharsets.UTF_8);
        var publish = new Packet.Publish(
                false, QoS.AT_LEAST_ONCE, true, TopicName.of("events/ä b"), 1, EVERY_PROPERTY, payload);
        String seq;
        try (var client = Device.online(V5, clientId)) {
            seq = epoch() + "/1";
            client.sendPackets(publish);
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        var record = records("wire.events", 1).getFirst();
        var messageId = record.header("mqtt-message-id");
        assertThat(messageId).matches("0001[0-9a-f]{16}");
        assertThat(record.key()).isEqualTo(clientId);
        assertThat(record.value()).isEqualTo(payload);
        assertThat(record.headers().entrySet().stream().map(Object::toString))
                .containsExactly(
                        "ce_specversion=1.0",
                        "ce_type=dev.sluice.mqtt.publish",
                        "ce_source=/clients/" + clientId + "/routes/events",
                        "ce_subject=events/ä b",
                        "ce_mqttclientid=" + clientId,
                        "ce_id=" + seq,
                        "ce_time=" + rfc3339(record.timestamp()),
                        "ce_mqttqos=1",
                        "mqtt-message-id=" + messageId,
                        "mqtt-seq=" + seq,
                        "ce_mqttretain=true",
                        "ce_mqttexpiresat=" + rfc3339(record.timestamp() + 90_000),
                        "content-type=application/json",
                        "ce_mqttresponsetopic=answers/1",
                        "ce_mqttcorrelationdata=/wAB",
                        "ce_mqttpayloadformat=1",
                        "mqtt-user-Site=Köln",
                        "site=berlin");
        clearRetained("events/ä b");
    }

    /** With milliseconds, also where there are none. */
    private static String rfc3339(long millis) {
        return Instant.ofEpochMilli(millis).toString().replaceFirst("(:\\d\\d)Z", "$1.000Z");
    }

    private static void clearRetained(String topic) {
        try (var peer = Peer.online(V5)) {
            peer.retain(QoS.AT_LEAST_ONCE, topic, "");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aCloudEventOfAPlainMessageIsTheSameInAllVersions(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "typed/x", "x"));
            var record = records("wire.events", 1).getFirst();
            assertThat(record.headers().keySet())
                    .containsExactly(
                            "ce_specversion",
                            "ce_source",
                            "ce_subject",
                            "ce_mqttclientid",
                            "ce_id",
                            "ce_time",
                            "ce_mqttqos",
                            "mqtt-seq",
                            "ce_type");
            assertThat(record.header("ce_type")).isEqualTo("com.example.telemetry");
            assertThat(record.header("ce_mqttqos")).isEqualTo("0");
        }
    }

    @ParameterizedTest
    @EnumSource
    void illegalCharactersAreReplaced(ProtocolVersion version) {
        publish(version, "replaced/a b", "replaced/a/b");
        assertThat(records("wire.a_b", 2)).extracting(Records.Record::text).containsExactly("x1", "x2");
    }

    @Test
    void aPartitionByItsNumber() {
        publish(V5, "part/fixed", "part/fixed");
        assertThat(records("wire.parts", 2))
                .extracting(Records.Record::partition)
                .containsExactly(3, 3);
    }

    @Test
    void aPartitionByTheHashOfAText() {
        var sites = List.of("oslo", "köln", "rome", "bern");
        publish(V5, sites.stream().map("part/of/"::concat).toArray(String[]::new));
        for (var record : records("wire.parts", sites.size())) {
            var site = record.header("mqtt-topic").substring("part/of/".length());
            assertThat(record.partition()).as(site).isEqualTo(hash(site));
            assertThat(record.key()).isEqualTo(clientId);
        }
    }

    /** As the key does, so that a template can put records of several keys next to those of one. */
    @Test
    void theHashIsThatOfKeys() {
        publish(V5, "part/of/oslo", "part/key/oslo");
        assertThat(records("wire.parts", 2))
                .extracting(Records.Record::partition)
                .containsOnly(hash("oslo"));
    }

    private static int hash(String text) {
        return Utils.toPositive(Utils.murmur2(text.getBytes(StandardCharsets.UTF_8))) % PARTITIONS;
    }

    @Test
    void recordsAreSpreadOverPartitions() {
        var topics = new String[60];
        java.util.Arrays.fill(topics, "part/spread");
        var partitions = new HashSet<Integer>();
        // One key, so that Kafka would put them all into the same partition; each goes to that of its moment.
        publish(V5, topics);
        records("wire.parts", topics.length).forEach(record -> partitions.add(record.partition()));
        assertThat(partitions).hasSizeGreaterThan(1);
    }

    @ParameterizedTest
    @CsvSource({
        "bounded,12345678901,QUOTA_EXCEEDED,AT_LEAST_ONCE",
        "bounded,12345678901,QUOTA_EXCEEDED,EXACTLY_ONCE",
        "agreed,{},PAYLOAD_FORMAT_INVALID,AT_LEAST_ONCE",
        "agreed,nonsense,PAYLOAD_FORMAT_INVALID,EXACTLY_ONCE"
    })
    void aPayloadThatIsNotAllowedIsRefused(String topic, String payload, ReasonCode reason, QoS qos) {
        var bad = Device.publish(qos, 1, "refuse/" + topic, payload);
        var good = Device.publish(qos, 1, "refuse/" + topic, topic.equals("agreed") ? "{\"speed\":1}" : "1234567890");
        try (var peer = Peer.online(V5);
                var client = Device.online(V5, clientId)) {
            peer.subscribe(QoS.AT_LEAST_ONCE, "refuse/" + topic);
            client.sendPackets(bad);
            assertThat(answer(client, qos)).isEqualTo(reason);
            client.sendPackets(good);
            assertThat(answer(client, qos)).isEqualTo(ReasonCode.SUCCESS);
            if (qos == QoS.EXACTLY_ONCE)
                client.sendPackets(new Packet.PubRel(1)).receive(Packet.PubComp.class);
            // What is refused is not for subscribers, and takes no number.
            assertThat(Peer.text(peer.taken()).getBytes(StandardCharsets.UTF_8)).isEqualTo(good.payload());
            peer.assertNothingMore();
            assertThat(records("wire.talk", 1))
                    .extracting(record -> record.header("mqtt-seq"))
                    .containsExactly(epoch() + "/1");
        }
        try (var client = Device.online(ProtocolVersion.V3_1_1, Device.id("options"))) {
            client.sendPackets(bad).closeStatus();
        }
    }

    private static ReasonCode answer(dev.sluice.support.WireClient client, QoS qos) {
        return qos == QoS.AT_LEAST_ONCE
                ? client.receive(Packet.PubAck.class).reason()
                : client.receive(Packet.PubRec.class).reason();
    }
}
