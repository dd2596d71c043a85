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
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class UplinkIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String TOPIC = "fleet/a/telemetry";
    private static final Properties EVERY_PROPERTY = Properties.NONE
            .with(Property.CONTENT_TYPE, "application/json")
            .with(Property.RESPONSE_TOPIC, "answers/1")
            .with(Property.CORRELATION_DATA, new byte[] {65, 66})
            .with(Property.PAYLOAD_FORMAT_INDICATOR, 1)
            .with(Property.MESSAGE_EXPIRY_INTERVAL, 90)
            .with(Property.TOPIC_ALIAS, 1)
            .withUserProperty("site", "Köln")
            .withUserProperty("site", "Bonn")
            .withUserProperty("unit", "");

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("uplink");

    private String epoch() {
        return gateway.query("SELECT epoch FROM session WHERE client_id = ?", clientId);
    }

    /** Publishes as far as the acknowledgement, PUBCOMP at QoS 2, and returns the first answer's reason. */
    private static ReasonCode publish(WireClient client, Packet.Publish publish) {
        client.sendPackets(publish);
        return switch (publish.qos()) {
            case AT_MOST_ONCE -> ReasonCode.SUCCESS;
            case AT_LEAST_ONCE -> client.receive(Packet.PubAck.class).reason();
            case EXACTLY_ONCE -> {
                var reason = client.receive(Packet.PubRec.class).reason();
                if (!reason.isError()) {
                    client.sendPackets(new Packet.PubRel(publish.packetId()));
                    client.receive(Packet.PubComp.class);
                }
                yield reason;
            }
        };
    }

    @ParameterizedTest
    @CsvSource({
        "V3_1,AT_MOST_ONCE", "V3_1,AT_LEAST_ONCE", "V3_1,EXACTLY_ONCE",
        "V3_1_1,AT_MOST_ONCE", "V3_1_1,AT_LEAST_ONCE", "V3_1_1,EXACTLY_ONCE",
        "V5,AT_MOST_ONCE", "V5,AT_LEAST_ONCE", "V5,EXACTLY_ONCE"
    })
    void aPlainMessageBecomesARecord(ProtocolVersion version, QoS qos) {
        var before = System.currentTimeMillis();
        String epoch;
        try (var client = Device.online(version, clientId)) {
            publish(client, Device.publish(qos, qos == QoS.AT_MOST_ONCE ? 0 : 258, TOPIC, "21.5"));
            epoch = epoch();
            var record = Records.of(gateway, "wire.telemetry", clientId, 1).getFirst();
            assertThat(record.key()).isEqualTo(clientId);
            assertThat(record.text()).isEqualTo("21.5");
            assertThat(record.timestamp()).isBetween(before, System.currentTimeMillis());
            var expected = new ArrayList<>(
                    List.of("mqtt-topic", TOPIC, "mqtt-client-id", clientId, "mqtt-qos", "" + qos.ordinal()));
            if (qos != QoS.AT_MOST_ONCE) {
                assertThat(record.header("mqtt-message-id")).matches("0102[0-9a-f]{16}");
                expected.addAll(List.of("mqtt-message-id", record.header("mqtt-message-id")));
            }
            expected.addAll(List.of("mqtt-seq", epoch + "/1"));
            var headers = record.headers().entrySet().stream()
                    .flatMap(header -> java.util.stream.Stream.of(header.getKey(), header.getValue()))
                    .toList();
            assertThat(headers).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyPropertyBecomesAHeader(QoS qos) {
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : 1;
        try (var client = Device.online(V5, clientId)) {
            publish(
                    client,
                    new Packet.Publish(false, qos, true, TopicName.of(TOPIC), packetId, EVERY_PROPERTY, new byte[0]));
            var record = Records.of(gateway, "wire.telemetry", clientId, 1).getFirst();
            var expected = new java.util.HashMap<>(Map.of(
                    "mqtt-topic",
                    TOPIC,
                    "mqtt-client-id",
                    clientId,
                    "mqtt-qos",
                    "" + qos.ordinal(),
                    "mqtt-seq",
                    epoch() + "/1",
                    "mqtt-retain",
                    "1",
                    "content-type",
                    "application/json",
                    "mqtt-response-topic",
                    "answers/1",
                    "mqtt-correlation-data",
                    "AB",
                    "mqtt-payload-format",
                    "1",
                    "mqtt-expires-at",
                    "" + (record.timestamp() + 90_000)));
            expected.put("mqtt-user-site", "Köln,Bonn");
            expected.put("mqtt-user-unit", "");
            if (packetId > 0) expected.put("mqtt-message-id", record.header("mqtt-message-id"));
            assertThat(record.headers()).isEqualTo(expected);
            assertThat(record.value()).isEmpty();
        }
    }

    @Test
    void thePayloadIsUntouched() {
        var payload = new byte[30_000];
        new java.util.Random(1).nextBytes(payload);
        try (var client = Device.online(V5, clientId)) {
            publish(client, Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, payload, Properties.NONE));
        }
        assertThat(Records.of(gateway, "wire.telemetry", clientId).getFirst().value())
                .isEqualTo(payload);
    }

    @Test
    void theSequenceHasNoGapsPerRouteAndBeginsAnewWithEachEpoch() {
        var both = "fleet/both/telemetry";
        var epochs = new ArrayList<String>();
        for (int round = 0; round < 2; round++) {
            try (var client = Device.durable(V5, clientId, round > 0)) {
                epochs.add(epoch());
                for (int i = 1; i <= 4; i++)
                    publish(client, Device.publish(QoS.AT_LEAST_ONCE, i, i % 2 == 0 ? both : TOPIC, "" + i));
                publish(client, Device.publish(QoS.AT_MOST_ONCE, 0, TOPIC, "5"));
                publish(client, Device.publish(QoS.EXACTLY_ONCE, 6, both, "6"));
            }
        }
        assertThat(epochs.get(0)).isNotEqualTo(epochs.get(1));
        assertThat(Records.of(gateway, "wire.telemetry", clientId))
                .extracting(record -> record.header("mqtt-seq"))
                .containsExactlyElementsOf(epochs.stream()
                        .flatMap(epoch -> IntStream.rangeClosed(1, 6).mapToObj(n -> epoch + "/" + n))
                        .toList());
        var copies = Records.of(gateway, "wire.copy", clientId);
        assertThat(copies)
                .extracting(record -> record.header("mqtt-seq"))
                .containsExactlyElementsOf(epochs.stream()
                        .flatMap(epoch -> IntStream.rangeClosed(1, 3).mapToObj(n -> epoch + "/" + n))
                        .toList());
        assertThat(copies).extracting(Records.Record::key).containsOnly(both);
        assertThat(copies).extracting(copy -> copy.header("mqtt-route")).containsOnly("copy");
        assertThat(copies).extracting(copy -> copy.header("site")).containsOnly("berlin");
        // Nobody has a user name here, and an empty header says nothing.
        assertThat(copies).noneMatch(copy -> copy.headers().containsKey("mqtt-username"));
    }

    @Test
    void aCaptureNamesTheKafkaTopic() {
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 1, "device/d1", "x")))
                    .isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(Records.of(gateway, "wire.device.d1", clientId)).hasSize(1);
    }

    @Spec(
            value = {"MQTT-3.4.2-1", "MQTT-3.5.2-1", "MQTT-4.3.3-9"},
            v311 = "MQTT-3.3.5-2")
    @ParameterizedTest
    @CsvSource({
        "nowhere,TOPIC_NAME_INVALID,AT_LEAST_ONCE",
        "nowhere,TOPIC_NAME_INVALID,EXACTLY_ONCE",
        "device/not valid,TOPIC_NAME_INVALID,AT_LEAST_ONCE",
        "device/not valid,TOPIC_NAME_INVALID,EXACTLY_ONCE"
    })
    void aTopicWithoutAKafkaTopicIsRefused(String topic, ReasonCode reason, QoS qos) {
        var publish = Device.publish(qos, 1, topic, "x");
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, publish)).isEqualTo(reason);
            // The exchange is over and the connection goes on.
            assertThat(publish(client, Device.publish(qos, 1, TOPIC, "y"))).isEqualTo(ReasonCode.SUCCESS);
        }
        try (var client = Device.online(ProtocolVersion.V3_1_1, Device.id("uplink"))) {
            client.sendPackets(publish);
            client.closeStatus();
        }
    }

    /** Too large for the producer: it takes no number of the sequence. */
    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void aRecordTooLargeForTheProducerIsRefused(QoS qos) {
        var large = Device.publish(qos, 1, TOPIC, new byte[50_000], Properties.NONE);
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, large)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(publish(client, Device.publish(qos, 2, TOPIC, "small"))).isEqualTo(ReasonCode.SUCCESS);
            assertThat(Records.of(gateway, "wire.telemetry", clientId))
                    .extracting(record -> record.header("mqtt-seq"))
                    .containsExactly(epoch() + "/1");
        }
        try (var client = Device.online(ProtocolVersion.V3_1_1, Device.id("uplink"))) {
            client.sendPackets(large);
            client.closeStatus();
        }
    }

    @Test
    void aRecordTooLargeForItsKafkaTopicIsRefused() {
        var large =
                Device.publish(QoS.AT_LEAST_ONCE, 1, "small/x", new byte[2 * Gateway.SMALL_RECORD], Properties.NONE);
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, large)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 2, "small/x", "x")))
                    .isEqualTo(ReasonCode.SUCCESS);
        }
        try (var client = Device.online(ProtocolVersion.V3_1, Device.id("uplink"))) {
            client.sendPackets(large);
            client.closeStatus();
        }
    }

    @Test
    void readinessNamesAMissingKafkaTopic() {
        var answer = gateway.readinessWithoutTopic();
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.body()).contains("missing-topics").contains(Gateway.LATE_TOPIC);
        assertThat(gateway.get("/q/health/ready").statusCode()).isEqualTo(200);
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 1, "late/x", "x")))
                    .isEqualTo(ReasonCode.SUCCESS);
        }
    }

    @Spec(value = "MQTT-4.6.0-2", v311 = "MQTT-4.6.0-2")
    @ParameterizedTest
    @EnumSource
    void acknowledgementsLeaveInTheOrderReceived(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            var topics = List.of(TOPIC, "small/x", "fleet/both/telemetry", "device/d1");
            var count = version.isV5() ? 20 : 500; // of MQTT 5, the Receive Maximum
            for (int id = 1; id <= count; id++)
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, topics.get(id % 4), "m"));
            for (int id = 1; id <= count; id++)
                assertThat(client.receive(Packet.PubAck.class).packetId()).isEqualTo(id);
        }
    }
}
