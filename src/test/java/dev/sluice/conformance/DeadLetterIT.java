package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot have its record is in the dead-letter topic before its client is answered. */
class DeadLetterIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final ProtocolVersion V3 = ProtocolVersion.V3_1_1;

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("letter");

    private String epoch() {
        return gateway.query("SELECT epoch FROM session WHERE client_id = ?", clientId);
    }

    private List<Records.Record> letters(int atLeast) {
        return Records.of(gateway, Gateway.DEAD_LETTERS, clientId, atLeast);
    }

    private double counted(String error) {
        return gateway.metric("sluice_uplink_dead_letters_total", "error=\"" + error + "\"");
    }

    /** Publishes as far as the acknowledgement, PUBCOMP at QoS 2, and returns the first answer's reason. */
    private static ReasonCode publish(WireClient client, Packet.Publish publish) {
        client.sendPackets(publish);
        if (publish.qos() == QoS.AT_LEAST_ONCE)
            return client.receive(Packet.PubAck.class).reason();
        var reason = client.receive(Packet.PubRec.class).reason();
        if (!reason.isError())
            client.sendPackets(new Packet.PubRel(publish.packetId())).receive(Packet.PubComp.class);
        return reason;
    }

    record Case(String topic, String payload, String error, ReasonCode reason, String route, String kafkaTopic) {}

    static Stream<Arguments> cases() {
        var illegal = ReasonCode.TOPIC_NAME_INVALID;
        var cases = List.of(
                new Case("letter/topic/a b", "x", "topic-illegal", illegal, "letter-topic", "wire.device.a b"),
                new Case(
                        "letter/bounded",
                        "12345678901",
                        "payload-too-large",
                        ReasonCode.QUOTA_EXCEEDED,
                        "letter-bounded",
                        "wire.letters"),
                new Case(
                        "letter/agreed",
                        "{}",
                        "contract-broken",
                        ReasonCode.PAYLOAD_FORMAT_INVALID,
                        "letter-agreed",
                        "wire.letters"),
                new Case(
                        "letter/agreed",
                        "no",
                        "contract-broken",
                        ReasonCode.PAYLOAD_FORMAT_INVALID,
                        "letter-agreed",
                        "wire.letters"));
        return cases.stream()
                .flatMap(it -> Stream.of(V5, V3).flatMap(version -> Stream.of(QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE)
                        .map(qos -> Arguments.of(it, version, qos))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aFailureThatIsKnownAtOnce(Case failing, ProtocolVersion version, QoS qos) {
        var before = counted(failing.error);
        var expected = version.isV5() ? failing.reason : ReasonCode.SUCCESS;
        try (var peer = Peer.online(V5);
                var client = Device.online(version, clientId)) {
            peer.subscribe(QoS.EXACTLY_ONCE, "letter/#", "letters/end");
            assertThat(publish(client, Device.publish(qos, 7, failing.topic, failing.payload)))
                    .isEqualTo(expected);
            var letter = letters(1).getFirst();
            assertThat(letter.key()).isEqualTo(clientId);
            assertThat(letter.text()).isEqualTo(failing.payload);
            assertThat(letter.headers().keySet().stream().toList())
                    .containsExactly(
                            "mqtt-topic",
                            "mqtt-client-id",
                            "mqtt-qos",
                            "mqtt-message-id",
                            "mqtt-seq",
                            "dead-letter-error",
                            "dead-letter-reason",
                            "dead-letter-route",
                            "dead-letter-reason-code",
                            "dead-letter-kafka-topic");
            assertThat(letter.header("mqtt-topic")).isEqualTo(failing.topic);
            assertThat(letter.header("mqtt-seq")).isEqualTo(epoch() + "/1");
            assertThat(letter.header("mqtt-message-id")).startsWith("0007");
            assertThat(letter.header("dead-letter-error")).isEqualTo(failing.error);
            assertThat(letter.header("dead-letter-reason")).contains("route " + failing.route);
            assertThat(letter.header("dead-letter-route")).isEqualTo(failing.route);
            assertThat(letter.header("dead-letter-reason-code")).isEqualTo("0x%02X".formatted(expected.value()));
            assertThat(letter.header("dead-letter-kafka-topic")).isEqualTo(failing.kafkaTopic);
            // The other route has its record, and subscribers have nothing.
            assertThat(Records.of(gateway, "wire.copy", clientId, 1)).hasSize(1);
            peer.assertNothingMore();
        }
        await().until(() -> counted(failing.error) >= before + 1);
    }

    /** Nobody is told at QoS 0. */
    @ParameterizedTest
    @CsvSource({"V5", "V3_1_1"})
    void aMessageOfQoS0(ProtocolVersion version) {
        try (var client = Device.online(version, clientId)) {
            client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "letter/bounded", "12345678901"));
            var letter = letters(1).getFirst();
            assertThat(letter.headers()).doesNotContainKeys("dead-letter-reason-code", "mqtt-message-id");
            assertThat(letter.header("dead-letter-error")).isEqualTo("payload-too-large");
        }
    }

    /** Kafka says no when the record is under way, and later ones may be as well: there is no gap in both topics together. */
    @ParameterizedTest
    @CsvSource({"V5,AT_LEAST_ONCE", "V5,EXACTLY_ONCE", "V3_1_1,AT_LEAST_ONCE", "V3_1_1,EXACTLY_ONCE"})
    void aRecordThatKafkaRejectsLate(ProtocolVersion version, QoS qos) {
        var large = new byte[2 * Gateway.SMALL_RECORD];
        try (var client = Device.online(version, clientId)) {
            for (int id = 1; id <= 9; id++) {
                var payload = id % 3 == 0 ? large : new byte[1];
                client.sendPackets(Device.publish(qos, id, "lettered/x", payload, Properties.NONE));
            }
            for (int id = 1; id <= 9; id++) {
                var expected = id % 3 == 0 && version.isV5() ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.SUCCESS;
                var reason = qos == QoS.AT_LEAST_ONCE
                        ? client.receive(Packet.PubAck.class).reason()
                        : client.receive(Packet.PubRec.class).reason();
                assertThat(reason).as("packet " + id).isEqualTo(expected);
            }
            var letters = letters(3);
            assertThat(letters).hasSize(3).allSatisfy(letter -> {
                assertThat(letter.value()).isEqualTo(large);
                assertThat(letter.header("dead-letter-error")).isEqualTo("rejected-by-kafka");
                assertThat(letter.header("dead-letter-route")).isEqualTo("letter-small");
                assertThat(letter.header("dead-letter-kafka-topic")).isEqualTo("wire.small");
                assertThat(letter.header("dead-letter-reason-code")).isEqualTo(version.isV5() ? "0x97" : "0x00");
            });
            assertThat(Stream.concat(letters.stream(), Records.of(gateway, "wire.small", clientId, 6).stream())
                            .map(record -> record.header("mqtt-seq").substring((epoch() + "/").length()))
                            .map(Integer::valueOf)
                            .sorted())
                    .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9);
        }
    }

    /** Too large for the producer, and, in the second case, for the dead-letter topic alone. */
    @ParameterizedTest
    @CsvSource({"V5,50000", "V5,30000", "V3_1_1,50000", "V3_1_1,30000"})
    void aDeadLetterThatIsTooLargeGoesWithoutItsPayload(ProtocolVersion version, int bytes) {
        var large = Device.publish(QoS.AT_LEAST_ONCE, 1, "lettered/x", new byte[bytes], Properties.NONE);
        try (var client = Device.online(version, clientId)) {
            assertThat(publish(client, large))
                    .isEqualTo(version.isV5() ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.SUCCESS);
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 2, "lettered/x", "x")))
                    .isEqualTo(ReasonCode.SUCCESS);
            var letter = letters(1).getFirst();
            assertThat(letter.value()).isNull();
            assertThat(letter.header("dead-letter-payload-bytes")).isEqualTo("" + bytes);
            assertThat(letter.header("mqtt-seq")).isEqualTo(epoch() + "/1");
            assertThat(Records.of(gateway, "wire.small", clientId, 1))
                    .extracting(record -> record.header("mqtt-seq"))
                    .containsExactly(epoch() + "/2");
        }
    }

    /** What it says of itself in its headers alone is more than Kafka takes: then the message is refused. */
    @ParameterizedTest
    @CsvSource({"V5"})
    void aDeadLetterThatCannotBeIsARefusal(ProtocolVersion version) {
        var properties = Properties.NONE.withUserProperty("large", "x".repeat(25_000));
        var refused = Device.publish(QoS.AT_LEAST_ONCE, 1, "lettered/x", new byte[1], properties);
        try (var client = Device.online(version, clientId)) {
            assertThat(publish(client, refused)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 2, "lettered/x", "x")))
                    .isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(letters(0)).isEmpty();
    }

    /** The number of a record that is refused late is taken by the next one, if none was under way. */
    @Test
    void aRefusedRecordLeavesNoGap() {
        var large =
                Device.publish(QoS.AT_LEAST_ONCE, 1, "small/x", new byte[2 * Gateway.SMALL_RECORD], Properties.NONE);
        try (var client = Device.online(V5, clientId)) {
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 1, "small/x", "a")))
                    .isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, large)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(publish(client, Device.publish(QoS.AT_LEAST_ONCE, 2, "small/x", "b")))
                    .isEqualTo(ReasonCode.SUCCESS);
            assertThat(Records.of(gateway, "wire.small", clientId, 2))
                    .extracting(record -> record.header("mqtt-seq"))
                    .containsExactly(epoch() + "/1", epoch() + "/2");
        }
    }

    @Test
    void aCloudEventKeepsItsHeaders() {
        try (var client = Device.online(V5, clientId)) {
            publish(client, Device.publish(QoS.AT_LEAST_ONCE, 1, "letter/event", "12345678901"));
            var letter = letters(1).getFirst();
            assertThat(letter.headers()).containsKeys("ce_id", "ce_source", "mqtt-seq", "mqtt-message-id");
            assertThat(letter.header("dead-letter-error")).isEqualTo("payload-too-large");
        }
    }
}
