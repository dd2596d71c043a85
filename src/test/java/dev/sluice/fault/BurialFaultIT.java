package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Inbox;
import dev.sluice.support.Subscriber;
import dev.sluice.support.WireClient;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A gateway that dies and never comes back: another one ends its sessions and publishes its Wills. {@code -Dburial.clients=10000} is the long run. */
@Tag("long")
class BurialFaultIT {
    private static final int CLIENTS = Integer.getInteger("burial.clients", 300);
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final byte[] LAST_WORDS = "1 0 ".getBytes(StandardCharsets.US_ASCII);
    /** The lease, the time between two looks, and what the work takes on a busy machine. */
    private static final Duration BOUND = Duration.ofSeconds(10 + 10 + CLIENTS / 200);

    private static String clientId(int client) {
        return "dying-" + client;
    }

    private static String topic(int client) {
        return "fleet/" + clientId(client) + "/telemetry";
    }

    @Test
    void theSessionsAndWillsOfADeadGatewayAreInOtherHands() {
        var clients = new ArrayList<WireClient>();
        try (var gateways = GatewayFleet.start("burial", 2, "-Dsluice.limits.take-over-delay-maximum=0s");
                var audience = new Audience(gateways.port(gateways.names().getLast()))) {
            var victim = gateways.names().getFirst();
            var witness = audience.add(
                    new Subscriber.Profile("witness", V5, QoS.AT_LEAST_ONCE, false, List.of("fleet/+/telemetry")));
            await("a subscription").until(witness::isSubscribed);
            for (int i = 0; i < CLIENTS; i++) clients.add(connect(gateways.port(victim), i));
            var start = System.nanoTime();
            gateways.kill(victim);
            await("the first Will").atMost(BOUND).until(() -> witness.inbox().messages() > 0);
            var first = millisSince(start);
            await("all Wills").atMost(BOUND).until(() -> witness.inbox().messages() >= CLIENTS);
            var wills = millisSince(start);
            await("all sessions offline").atMost(BOUND).until(() -> gateways.query(
                            "SELECT count(*) FROM v_session WHERE connected AND client_id LIKE 'dying-%'")
                    .equals("0"));
            System.out.printf(
                    Locale.ROOT,
                    "burial of %d clients: first Will after %,d ms, the last after %,d ms, all offline after %,d ms%n",
                    CLIENTS,
                    first,
                    wills,
                    millisSince(start));
            assertOnce(witness.inbox(), gateways.bootstrap());
            try (var returned = WireClient.open(gateways.port(), V5)) {
                assertThat(returned.connect(packet(1, false))
                                .receive(Packet.ConnAck.class)
                                .sessionPresent())
                        .isTrue();
            }
        } finally {
            clients.forEach(WireClient::close);
        }
    }

    private static long millisSince(long start) {
        return (System.nanoTime() - start) / 1_000_000;
    }

    private static WireClient connect(int port, int number) {
        var client = WireClient.open(port, V5);
        var answer = client.connect(packet(number, true)).receive(Packet.ConnAck.class);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
        return client;
    }

    /** Those with odd numbers have sessions that outlive their connections. */
    private static Packet.Connect packet(int number, boolean cleanStart) {
        var session = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, number % 2 * 3600L);
        var will = new Will(TopicName.of(topic(number)), QoS.AT_LEAST_ONCE, false, Properties.NONE, LAST_WORDS);
        return new Packet.Connect(V5, cleanStart, 0, clientId(number), will, null, null, session);
    }

    /** At the subscriber, and in Kafka. */
    private static void assertOnce(Inbox inbox, String bootstrap) {
        Map<String, Integer> records = new HashMap<>();
        try (var all = KafkaRecords.fromBeginning(bootstrap, Servers.KAFKA_TOPIC)) {
            all.readToEnd(record -> records.merge(new String(record.key(), StandardCharsets.UTF_8), 1, Integer::sum));
        }
        assertThat(records).hasSize(CLIENTS);
        assertThat(records.values()).containsOnly(1);
        assertThat(IntStream.range(0, CLIENTS)
                        .filter(i -> inbox.distinct(topic(i)) != 1 || inbox.repeats(topic(i)) > 0)
                        .count())
                .as("Wills that did not come, or not once")
                .isZero();
    }
}
