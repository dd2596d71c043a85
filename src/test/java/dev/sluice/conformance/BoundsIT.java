package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a client sees that sends more than the gateway's bounds, on the shared gateway; and on another one, with room for no further session
 * and for little that is not whole, that finds more in PostgreSQL.
 */
class BoundsIT {
    private static final String DEEP = "talk/" + "a/".repeat(127) + "a"; // 129 levels
    private static final Gateway GATEWAY = Gateway.shared();
    private static final String KNOWN = Device.id("known");
    private static final List<String> TALKERS =
            IntStream.range(0, 3).mapToObj(i -> Device.id("half")).toList();

    static int port;
    private static GatewayProcess another;

    @BeforeAll
    static void start(@TempDir Path folder) {
        for (var id : TALKERS) Device.durable(ProtocolVersion.V5, id, false).close();
        Device.durable(ProtocolVersion.V5, KNOWN, false).close();
        GATEWAY.execute(
                "INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)"
                        + " SELECT id, n || repeat('/', 65500), 1, false, false, 0, 0 FROM session, generate_series(1, 20) n"
                        + " WHERE client_id = '" + KNOWN + "'");
        var options = new ArrayList<>(ProxyProtocolCases.options(folder));
        options.add("-Dsluice.store.sessions-maximum=1");
        options.add("-Dsluice.mqtt.partial-packet-bytes-in-all=65536");
        another = GATEWAY.startAnother(used -> port = used, options.toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        another.close();
        GATEWAY.execute("DELETE FROM session WHERE client_id = '" + KNOWN + "'");
    }

    /** On the other gateway, without a session. */
    @Nested
    class ProxyProtocol extends ProxyProtocolCases {}

    private static double exceeded(String bound) {
        return GATEWAY.metric("sluice_bounds_exceeded_total", "bound=\"" + bound + "\"");
    }

    private static Properties userProperties(int count) {
        var properties = Properties.NONE;
        for (int i = 0; i < count; i++) properties = properties.withUserProperty("", "");
        return properties;
    }

    @Test
    void aTopicOfTooManyLevelsIsRefusedAndTheConnectionStays() {
        var before = exceeded("topic-levels-maximum");
        try (var client = Device.online(ProtocolVersion.V5, Device.id("deep"))) {
            client.sendPackets(
                    Device.publish(QoS.AT_MOST_ONCE, 0, DEEP, "x"),
                    Device.publish(QoS.AT_LEAST_ONCE, 1, DEEP, "x"),
                    Device.publish(QoS.EXACTLY_ONCE, 2, DEEP, "x"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
        try (var client = Device.online(ProtocolVersion.V3_1_1, Device.id("deep"))) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, DEEP, "x")).closeStatus();
        }
        assertThat(exceeded("topic-levels-maximum")).isEqualTo(before + 4);
    }

    private static Packet.Subscribe shared(int packetId, int from, int count) {
        return subscribe(
                packetId, IntStream.range(from, from + count).mapToObj(i -> "$share/g" + i + "/talk/" + i + "/#"));
    }

    private static Packet.Subscribe subscribe(int packetId, Stream<String> filters) {
        var subscriptions = filters.map(filter -> new Subscription(filter, QoS.AT_MOST_ONCE, false, false, 0))
                .toList();
        return new Packet.Subscribe(packetId, subscriptions, Properties.NONE);
    }

    /** Each would bring the client one more copy of each message, so that a few clients could keep a gateway busy. */
    @ParameterizedTest
    @EnumSource
    void oneMoreSharedSubscriptionForTheSameMessagesIsRefused(ProtocolVersion version) {
        var before = exceeded("shared-subscriptions-overlapping");
        try (var client = Device.online(version, Device.id("overlapping"))) {
            client.sendPackets(subscribe(
                    1,
                    Stream.of(
                            "$share/a/talk/#",
                            "$share/b/talk/+/x",
                            "$share/c/+/y/x",
                            "$share/d/talk/y/#",
                            "$share/e/other/#",
                            "$share/f/talk/y/+",
                            "$share/g/talk/y/x",
                            "talk/y/x")));
            var reasons = client.receive(Packet.SubAck.class).reasons();
            var refused = version.isV5() ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.UNSPECIFIED_ERROR;
            assertThat(reasons.get(6)).isEqualTo(refused);
            assertThat(reasons.subList(0, 6)).containsOnly(ReasonCode.SUCCESS);
            assertThat(reasons.getLast()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(exceeded("shared-subscriptions-overlapping")).isEqualTo(before + 1);

            client.sendPackets(
                    new Packet.Unsubscribe(2, List.of("$share/b/talk/+/x"), Properties.NONE),
                    subscribe(3, Stream.of("$share/g/talk/y/x")));
            client.receive(Packet.UnsubAck.class);
            assertThat(client.receive(Packet.SubAck.class).reasons()).containsExactly(ReasonCode.SUCCESS);
        }
    }

    @ParameterizedTest
    @EnumSource
    void oneSharedSubscriptionTooManyIsRefused(ProtocolVersion version) {
        var before = exceeded("shared-subscriptions-maximum");
        try (var client = Device.online(version, Device.id("groups"))) {
            client.sendPackets(shared(1, 0, 21));
            var reasons = client.receive(Packet.SubAck.class).reasons();
            assertThat(reasons.subList(0, 20)).containsOnly(ReasonCode.SUCCESS);
            var refused = version.isV5() ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.UNSPECIFIED_ERROR;
            assertThat(reasons.getLast()).isEqualTo(refused);
            assertThat(exceeded("shared-subscriptions-maximum")).isEqualTo(before + 1);

            // One that is there already, one in the place of another, and any other kind.
            var another = new Subscription("talk/#", QoS.AT_MOST_ONCE, false, false, 0);
            client.sendPackets(
                    shared(2, 5, 1),
                    new Packet.Unsubscribe(3, List.of("$share/g7/talk/7/#"), Properties.NONE),
                    shared(4, 200, 1),
                    new Packet.Subscribe(5, List.of(another), Properties.NONE));
            assertThat(client.receive(Packet.SubAck.class).reasons()).containsExactly(ReasonCode.SUCCESS);
            client.receive(Packet.UnsubAck.class);
            assertThat(client.receive(Packet.SubAck.class).reasons()).containsExactly(ReasonCode.SUCCESS);
            assertThat(client.receive(Packet.SubAck.class).reasons()).containsExactly(ReasonCode.SUCCESS);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFilterOfTooManyLevelsIsRefused(ProtocolVersion version) {
        try (var client = Device.online(version, Device.id("deep"))) {
            var deep = new Subscription(DEEP, QoS.AT_MOST_ONCE, false, false, 0);
            var plain = new Subscription("talk/x", QoS.AT_MOST_ONCE, false, false, 0);
            client.sendPackets(new Packet.Subscribe(1, List.of(deep, plain), Properties.NONE));
            var refused = version.isV5() ? ReasonCode.TOPIC_FILTER_INVALID : ReasonCode.UNSPECIFIED_ERROR;
            assertThat(client.receive(Packet.SubAck.class).reasons()).containsExactly(refused, ReasonCode.SUCCESS);
            client.sendPackets(new Packet.Unsubscribe(2, List.of(DEEP, "talk/x"), Properties.NONE));
            var reasons = client.receive(Packet.UnsubAck.class).reasons();
            if (version.isV5())
                assertThat(reasons).containsExactly(ReasonCode.TOPIC_FILTER_INVALID, ReasonCode.SUCCESS);
        }
    }

    @Test
    void aWillOfTooManyLevelsIsRefused() {
        var will = new Will(TopicName.of(DEEP), QoS.AT_MOST_ONCE, false, Properties.NONE, new byte[0]);
        try (var client = Device.socket(ProtocolVersion.V5)) {
            client.connect(Device.connect(ProtocolVersion.V5, Device.id("will"), will, Properties.NONE));
            assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            client.closeStatus();
        }
    }

    /** 12,000 of them in one packet, to a topic with a route and with subscribers. */
    @Test
    void aMessageWithTooManyUserPropertiesIsRefusedAndTheConnectionStays() {
        var before = exceeded("user-properties-maximum");
        try (var client = Device.online(ProtocolVersion.V5, Device.id("many"))) {
            for (int i = 1; i <= 3; i++) {
                client.sendPackets(Device.publish(
                        QoS.AT_LEAST_ONCE, i, "fleet/a/telemetry/" + i, new byte[0], userProperties(12_000)));
                var answer = client.receive(Packet.PubAck.class);
                assertThat(answer.reason()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
                assertThat(answer.toString()).contains("sluice.mqtt.user-properties-maximum");
            }
            client.sendPackets(
                    Device.publish(QoS.AT_LEAST_ONCE, 4, "fleet/a/telemetry/4", new byte[0], userProperties(64)));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(exceeded("user-properties-maximum")).isEqualTo(before + 3);
    }

    @Test
    void aSubscribeWithTooManyEntriesEndsTheConnection() {
        var to = new Subscription("a", QoS.AT_MOST_ONCE, false, false, 0);
        for (var packet : List.of(
                new Packet.Subscribe(1, Collections.nCopies(1001, to), Properties.NONE),
                new Packet.Unsubscribe(1, Collections.nCopies(1001, "a"), Properties.NONE))) {
            try (var client = Device.online(ProtocolVersion.V5, Device.id("entries"))) {
                client.sendPackets(packet);
                Device.assertEnded(client, ProtocolVersion.V5, ReasonCode.QUOTA_EXCEEDED);
            }
        }
    }

    /** Each is answered, and none that never existed goes to PostgreSQL. */
    @Test
    void manySubscribesInARowAreAnswered() {
        try (var client = Device.durable(ProtocolVersion.V5, Device.id("row"), false)) {
            var filters = IntStream.range(0, 1000).mapToObj(n -> "n/" + n).toList();
            var packets = IntStream.rangeClosed(1, 100)
                    .mapToObj(id -> (Packet) new Packet.Unsubscribe(id, filters, Properties.NONE))
                    .toArray(Packet[]::new);
            for (int i = 0; i < packets.length; i += 10) client.sendPackets(Arrays.copyOfRange(packets, i, i + 10));
            for (int id = 1; id <= packets.length; id++) {
                var answer = client.receive(Packet.UnsubAck.class);
                assertThat(answer.packetId()).isEqualTo(id);
                assertThat(answer.reasons()).hasSize(1000).containsOnly(ReasonCode.NO_SUBSCRIPTION_EXISTED);
            }
        }
    }

    @Test
    void aConnectIsBounded() {
        try (var client = Device.socket(ProtocolVersion.V5)) {
            client.connect(new Packet.Connect(
                    ProtocolVersion.V5, true, 0, Device.id("c"), null, "u".repeat(17_000), null, Properties.NONE));
            assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
            client.closeStatus();
        }
        try (var client = Device.socket(ProtocolVersion.V5)) {
            client.send(Frames.binary(new byte[] {0x30, (byte) 0xFF, 0x7F, 0, 1})); // nothing is waited for
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    private static WireClient resumed(String clientId) {
        var client = WireClient.open(port, ProtocolVersion.V5);
        assertThat(Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, false, Device.expiry(3600))))
                .isTrue();
        return client;
    }

    @Test
    void oneSessionTooManyIsRefusedAndThoseThereAreAreResumed() {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            await().untilAsserted(() -> assertThat(refusal(ProtocolVersion.V5)).isEqualTo(ReasonCode.QUOTA_EXCEEDED));
            assertThat(refusal(ProtocolVersion.V3_1_1)).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
            client.connect(Device.connect(ProtocolVersion.V5, KNOWN, false, Device.expiry(3600)));
            assertThat(client.receive(Packet.ConnAck.class).sessionPresent()).isTrue();
        }
        assertThat(metric("sluice_bounds_exceeded_total", "sessions-maximum")).isPositive();
    }

    private static ReasonCode refusal(ProtocolVersion version) {
        try (var client = WireClient.open(port, version)) {
            return client.connect(Device.connect(version, Device.id("new"), true, Properties.NONE))
                    .receive(Packet.ConnAck.class)
                    .reason();
        }
    }

    /** They would fill the heap at every start, and are skipped; so does the session that has them. */
    @Test
    void subscriptionsAboveTheBoundsAreSkippedAtTheStart() {
        assertThat(metric("sluice_store_above_bounds_total", "subscription")).isGreaterThanOrEqualTo(20);
        try (var client = resumed(KNOWN)) {
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
    }

    /** Whose packet began first goes; the others are as they were. */
    @Test
    void packetsThatAreNotWholeAreBoundedTogether() {
        try (var first = resumed(TALKERS.get(0));
                var second = resumed(TALKERS.get(1));
                var third = resumed(TALKERS.get(2))) {
            var packet = second.bytes(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/half", "x".repeat(30_000)));
            var half = Frames.binary(Arrays.copyOf(packet, 30_000));
            var rest = Frames.binary(Arrays.copyOfRange(packet, 30_000, packet.length));
            first.send(half);
            await().until(() -> metric("sluice_partial_packet_bytes", "") >= 30_000);
            second.send(half);
            await().until(() -> metric("sluice_partial_packet_bytes", "") >= 60_000);
            third.send(half);
            Device.assertEnded(first, ProtocolVersion.V5, ReasonCode.QUOTA_EXCEEDED);
            for (var client : List.of(second, third)) client.send(rest).receive(Packet.PubAck.class);
            await().until(() -> metric("sluice_partial_packet_bytes", "") == 0);
        }
    }

    private static double metric(String name, String label) {
        return Gateway.get(port, "/q/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith(name) && line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
