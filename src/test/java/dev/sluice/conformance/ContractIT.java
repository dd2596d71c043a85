package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Payloads that are hard to check against a contract. */
class ContractIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String TOPIC = "checked/1";
    /** 2^80 ways through the contract. */
    private static final String ENDLESS = "{\"l\":".repeat(80) + "{\"x\":1,\"y\":1}" + "}".repeat(80);

    private static final String LONG = "{\"mac\":\"" + "ab:".repeat(10_000) + "\"}";

    private final Gateway gateway = Gateway.shared();
    private final Admin admin = new Admin(gateway.port());
    private final String clientId = Device.id("contract");

    private static Packet.PubAck answer(WireClient client, int packetId, String payload) {
        client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, packetId, TOPIC, payload));
        return client.receive(Packet.PubAck.class);
    }

    @ParameterizedTest
    @CsvSource({
        "'{\"n\": 1e400}', 99",
        "'{\"n\": 1e-999999999}', 99",
        "'{\"n\": 1e99999999999999}', 99",
        "'{\"n\": 10.0}', 00",
        "'{\"n\": 1.0e3}', 00",
        "'{\"n\": NaN}', 99",
        "'{\"other\": 1e400}', 00",
        "'{\"id\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}', 99",
        "'{\"id\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}', 00"
    })
    void isKeptOrBroken(String payload, String reason) {
        try (var client = Device.online(V5, clientId)) {
            assertThat(answer(client, 1, payload).reason().value()).isEqualTo(Integer.parseInt(reason, 16));
            assertThat(answer(client, 2, "{}").reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        var quoted = payload.replace("\"", "\\\"");
        var evaluated = admin.post(
                Admin.ROUTES + "/evaluate",
                "{\"clientId\": \"a\", \"topic\": \"" + TOPIC + "\", \"payload\": \"" + quoted + "\"}");
        assertThat(evaluated.status()).isEqualTo(200);
        assertThat(evaluated.body().path("outcome").asText()).isEqualTo(reason.equals("00") ? "produced" : "refused");
    }

    /** A long check is not waited for on the event loop, and nothing of its connection overtakes it. */
    @Test
    void aLongCheckKeepsTheOrderOfItsConnection() {
        try (var client = Device.online(V5, clientId);
                var others = new Others()) {
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, ENDLESS),
                    Device.publish(QoS.AT_MOST_ONCE, 0, TOPIC, LONG),
                    Device.publish(QoS.AT_LEAST_ONCE, 2, TOPIC, "{}"),
                    new Packet.PingReq());
            client.receive(Packet.PingResp.class); // only what it publishes waits
            others.assertAnswered();
            var refused = client.receive(Packet.PubAck.class);
            assertThat(refused.packetId()).isEqualTo(1);
            assertThat(refused.reason()).isEqualTo(ReasonCode.PAYLOAD_FORMAT_INVALID);
            assertThat(client.receive(Packet.PubAck.class).packetId()).isEqualTo(2);
        }
        assertThat(Records.of(gateway, "wire.talk", clientId, 2))
                .extracting(it -> it.value().length)
                .containsExactly(LONG.length(), 2);
        assertThat(gateway.metric("sluice_uplink_contract_overruns_total")).isPositive();
    }

    /** Clients on every event loop. */
    private static final class Others implements AutoCloseable {
        private final WireClient[] clients = new WireClient[8];

        private Others() {
            for (int i = 0; i < clients.length; i++) clients[i] = Device.online(V5, Device.id("other"));
        }

        private void assertAnswered() {
            for (var client : clients) {
                var start = Stopwatch.start();
                client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
                start.assertLessThan(Duration.ofMillis(700));
            }
        }

        @Override
        public void close() {
            for (var client : clients) client.close();
        }
    }

    /** What has no reason code closes an MQTT 3 connection, with the same check. */
    @Test
    void aLongCheckOfAnOldClientEndsItsConnection() {
        try (var client = Device.online(ProtocolVersion.V3_1_1, clientId)) {
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, "{\"mac\":\"" + "ab:".repeat(20_000) + "x\"}"));
            assertThat(client.closeStatus()).isEqualTo(1007);
        }
    }

    @Test
    void aClientMayLeaveDuringItsCheck() {
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, ENDLESS));
        }
        try (var client = Device.online(V5, clientId)) {
            assertThat(answer(client, 1, LONG).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    @Test
    void aWillIsCheckedAsWell() {
        var will = new dev.sluice.packet.Will(
                dev.sluice.topic.TopicName.of(TOPIC),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                "{\"n\": 1e400}".getBytes(StandardCharsets.UTF_8));
        try (var client = Device.socket(V5)) {
            client.connect(Device.connect(V5, clientId, will, Properties.NONE)).receive(Packet.ConnAck.class);
        }
        try (var client = Device.online(V5, clientId)) {
            assertThat(answer(client, 1, "{}").reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    @Test
    void aPatternWithoutLinearTimeIsAMistakeOfItsRoute() {
        var answer = admin.put(
                Admin.ROUTES + "/checked-2",
                "{'filter': 'checked-2/#', 'kafkaTopic': 'wire.talk', 'contract': {'pattern': '^(?!x)(.)'}}");
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.pointers()).isEqualTo("/contract");
        assertThat(answer.body().findValuesAsText("detail").getLast())
                .isEqualTo(
                        "the pattern \"^(?!x)(.)\" has a look-ahead: patterns are matched in linear time, which leaves out"
                                + " look-around and back-references");
    }
}
