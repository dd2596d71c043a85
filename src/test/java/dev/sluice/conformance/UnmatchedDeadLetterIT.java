package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the policy {@code dead-letter} does with what no route takes, on a gateway of this test's own beside the shared one; it is killed
 * then.
 */
class UnmatchedDeadLetterIT {
    static GatewayProcess gateway;
    static int port;
    /** An option. */
    static String database;

    private final String clientId = Device.id("unmatched");

    @BeforeAll
    static void start() {
        database = Gateway.shared().databaseOfItsOwn();
        gateway = Gateway.shared().startAnother(its -> port = its, "-Dsluice.uplink.unmatched=dead-letter", database);
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** Last, as nested classes come. */
    @Nested
    class RetainedRestart extends RetainedRestartCases {}

    @ParameterizedTest
    @EnumSource
    void aMessageThatNoRouteWantsIsADeadLetter(ProtocolVersion version) {
        var reason = version.isV5() ? ReasonCode.TOPIC_NAME_INVALID : ReasonCode.SUCCESS;
        try (var client = WireClient.open(port, version)) {
            Device.connected(client, Device.connect(version, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "nowhere/1", "a"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(reason);
            client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, 2, "nowhere/2", "b"));
            assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(reason);
            if (!version.isV5()) client.sendPackets(new Packet.PubRel(2)).receive(Packet.PubComp.class);
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 3, "fleet/a/telemetry", "c"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        var letters = Records.of(Gateway.shared(), Gateway.DEAD_LETTERS, clientId, 2);
        assertThat(letters).extracting(Records.Record::text).containsExactly("a", "b");
        assertThat(letters)
                .extracting(letter -> letter.header("mqtt-seq").replaceFirst(".*/", ""))
                .containsExactly("1", "2");
        assertThat(letters).allSatisfy(letter -> {
            assertThat(letter.key()).isEqualTo(clientId);
            assertThat(letter.header("dead-letter-error")).isEqualTo("unmatched");
            assertThat(letter.header("dead-letter-route")).isEmpty();
            assertThat(letter.header("dead-letter-reason-code")).isEqualTo(version.isV5() ? "0x90" : "0x00");
            assertThat(letter.headers()).doesNotContainKey("dead-letter-kafka-topic");
        });
        // Its sequence is of its own.
        assertThat(Records.of(Gateway.shared(), "wire.telemetry", clientId, 1)
                        .getFirst()
                        .header("mqtt-seq"))
                .endsWith("/1");
    }

    /** Nobody awaits an answer for a will. */
    @Test
    void soIsAWill() {
        var will = new Will(TopicName.of("nowhere/will"), QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[] {'w'});
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, will, Properties.NONE));
        }
        var letter =
                Records.of(Gateway.shared(), Gateway.DEAD_LETTERS, clientId, 1).getFirst();
        assertThat(letter.text()).isEqualTo("w");
        assertThat(letter.headers()).doesNotContainKey("dead-letter-reason-code");
    }
}
