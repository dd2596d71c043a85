package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Records;
import dev.sluice.support.SideBySide;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLockTarget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A gateway with small limits for each client, by the bytes on the wire. What waits for a rate waits side by side; alone is who measures how
 * others fare, or starts a gateway for which the others would wait.
 */
@ResourceLock(value = LimitsIT.GATEWAY, mode = ResourceAccessMode.READ, target = ResourceLockTarget.CHILDREN)
class LimitsIT {
    static final String GATEWAY = "the gateway of LimitsIT";

    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final int IN = 50;
    private static final int OUT = 20;
    /** For how long flooders are measured. */
    private static final Duration FLOODED = Duration.ofSeconds(4);

    /** Of the flood: the machine's other work, or its standing still, may spoil one; flooders that disturb spoil all. */
    private static final int ROUNDS = 3;

    private static final Duration DELAY = Duration.ofMillis(500);

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        "-Dsluice.mqtt.receive-maximum=1000",
                        "-Dsluice.limits.per.client.messages-in=" + IN,
                        "-Dsluice.limits.per.client.messages-out=" + OUT,
                        "-Dsluice.limits.per.client.bytes-in=40000",
                        "-Dsluice.limits.per.client.subscriptions=3",
                        "-Dsluice.limits.on-bytes-in=refuse",
                        "-Dsluice.limits.take-overs-free=2",
                        "-Dsluice.limits.take-over-delay=500ms",
                        "-Dsluice.limits.take-over-delay-maximum=10s");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static WireClient online(ProtocolVersion version, String clientId) {
        var client = WireClient.open(port, version);
        Device.connected(client, Device.connect(version, clientId, true, Properties.NONE));
        return client;
    }

    private static Packet.Publish[] publishes(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> Device.publish(ONE, i, "talk/limits", "x"))
                .toArray(Packet.Publish[]::new);
    }

    private static Duration since(long begun) {
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    /** Its PUBLISHes wait; PINGREQ and SUBSCRIBE, which come behind all of them, do not. */
    @SideBySide
    @ParameterizedTest
    @EnumSource
    void whatIsOverWaitsAndEverythingElseIsAnswered(ProtocolVersion version) {
        var count = 4 * IN;
        try (var client = online(version, Device.id("held"))) {
            var begun = System.nanoTime();
            client.sendPackets(publishes(count));
            client.sendPackets(
                    new Packet.PingReq(),
                    new Packet.Subscribe(count + 1, List.of(Peer.to("none/" + version, ONE)), Properties.NONE));
            var acknowledged = 0;
            var others = 0;
            while (acknowledged + others < count + 2) {
                switch (client.receive()) {
                    case Packet.PubAck answer -> assertThat(answer.packetId()).isEqualTo(++acknowledged);
                    case Packet.PingResp _, Packet.SubAck _ -> {
                        others++;
                        assertThat(acknowledged)
                                .as("messages that were not held")
                                .isLessThan(count);
                    }
                    default -> throw new AssertionError();
                }
            }
            assertThat(since(begun)).isGreaterThan(Duration.ofMillis(2900));
        }
        assertThat(Gateway.metric(port, "sluice_limits_exceeded_total", "messages-in", "client", "waited"))
                .isPositive();
    }

    @SideBySide
    @Test
    void aGoodbyeBehindMessagesThatWaitLosesNone() {
        var clientId = Device.id("goodbye");
        try (var client = online(V5, clientId)) {
            client.sendPackets(publishes(3 * IN)).sendPackets(Device.goodbye());
            assertThat(Records.of(Gateway.shared(), "wire.talk", clientId, 3 * IN))
                    .hasSize(3 * IN);
        }
    }

    /** Ten that flood, beside a hundred honest ones, who are timed before, meanwhile and afterwards. */
    @ResourceLock(GATEWAY)
    @Test
    void floodersGetExactlyTheirShareAndTheOthersDoNotNotice() throws Exception {
        try (var honest = Neighbours.start(100, () -> online(V5, Device.id("honest")));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var round = floodBeside(threads, honest, honest.p99());
            for (int i = 1; i < ROUNDS && !round.isFair(); i++) round = floodBeside(threads, honest, round.after());
            assertThat(round).matches(Round::isFair, "fair");
        }
    }

    /** The p99 of honest clients before, beside and after the flooders, and how these fared. */
    private record Round(Duration before, Duration meanwhile, Duration after, List<Flood> floods) {
        /** Of a few milliseconds, twice as many are no more than another program's turn. */
        boolean isFair() {
            var usual = before.compareTo(after) > 0 ? before : after;
            return meanwhile.compareTo(usual.multipliedBy(2).plusMillis(10)) < 0
                    && floods.stream().allMatch(Flood::isFair);
        }
    }

    /** @param share how much was acknowledged, 1 for exactly as much as may be */
    private record Flood(double share, Duration longestPing) {
        boolean isFair() {
            return 0.95 <= share && share <= 1.05 && longestPing.compareTo(Duration.ofSeconds(1)) < 0;
        }
    }

    private static Round floodBeside(ExecutorService threads, Neighbours honest, Duration before) throws Exception {
        var flooding = new CountDownLatch(10);
        var floods = Stream.generate(() -> threads.submit(() -> flood(flooding)))
                .limit(10)
                .toList();
        flooding.await();
        var meanwhile = honest.p99();
        var fared = new ArrayList<Flood>();
        for (var flood : floods) fared.add(flood.get());
        var round = new Round(before, meanwhile, honest.p99(), fared);
        System.out.println(round);
        return round;
    }

    /**
     * Keeps its window full, and pings each second.
     *
     * @param flooding is told once its burst is gone
     */
    private static Flood flood(CountDownLatch flooding) {
        try (var client = online(V5, Device.id("flooder"))) {
            client.sendPackets(publishes(2 * IN));
            var start = System.nanoTime() + 2_000_000_000L;
            var longestPing = Duration.ZERO;
            var acknowledged = 0;
            var pinged = 0L;
            var isMeasured = false;
            while (since(start).compareTo(FLOODED) < 0) {
                switch (client.receive()) {
                    case Packet.PubAck answer -> {
                        if (System.nanoTime() - start >= 0) acknowledged++;
                        client.sendPackets(Device.publish(ONE, answer.packetId(), "talk/limits", "x"));
                    }
                    case Packet.PingResp _ -> {
                        if (longestPing.compareTo(since(pinged)) < 0) longestPing = since(pinged);
                    }
                    case Packet other -> throw new AssertionError(other);
                }
                if (System.nanoTime() - start >= 0 && !isMeasured) {
                    isMeasured = true;
                    flooding.countDown();
                }
                if (pinged != 0 && since(pinged).toMillis() < 1000) continue;
                pinged = System.nanoTime();
                client.sendPackets(new Packet.PingReq());
            }
            return new Flood(acknowledged / (FLOODED.toMillis() / 1000.0 * IN), longestPing);
        }
    }

    @SideBySide
    @Test
    void deliveriesAboveTheRateWaitAndNoneIsLost() {
        var count = 3 * OUT;
        var topic = "talk/" + Device.id("out");
        try (var subscriber = Peer.at(port, Device.connect(V5, Device.id("out"), true, Properties.NONE), false);
                var publisher = online(V5, Device.id("publisher"))) {
            subscriber.subscribe(ONE, topic);
            var begun = System.nanoTime();
            for (int i = 1; i <= count; i++)
                publisher.sendPackets(Device.publish(ONE, i, topic, "" + i)).receive(Packet.PubAck.class);
            for (int i = 1; i <= count; i++) {
                var delivered = subscriber.delivered();
                assertThat(Peer.text(delivered)).isEqualTo("" + i);
                subscriber.answer(delivered);
            }
            assertThat(since(begun)).isGreaterThan(Duration.ofMillis(1900));
        }
    }

    /** MQTT 5 is told; MQTT 3 cannot be. */
    @SideBySide
    @Test
    void bytesAboveTheRateAreRefusedAsConfigured() {
        var payload = new byte[30_000];
        try (var client = online(V5, Device.id("bytes"))) {
            for (int i = 1; i <= 4; i++)
                client.sendPackets(Device.publish(ONE, i, "talk/bytes", payload, Properties.NONE));
            var reasons = IntStream.range(0, 4)
                    .mapToObj(_ -> client.receive(Packet.PubAck.class).reason())
                    .toList();
            assertThat(reasons.getFirst().isError()).isFalse();
            assertThat(reasons.getLast()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
        try (var client = online(ProtocolVersion.V3_1_1, Device.id("bytes"))) {
            for (int i = 1; i <= 4; i++)
                client.sendWhileOpen(
                        Frames.binary(client.bytes(
                                Device.publish(QoS.EXACTLY_ONCE, i, "talk/bytes", payload, Properties.NONE))),
                        1);
            await().until(() -> Gateway.metric(port, "sluice_disconnects_total", "quota_exceeded") > 0);
        }
        assertThat(Gateway.metric(port, "sluice_limits_exceeded_total", "bytes-in", "refused"))
                .isGreaterThanOrEqualTo(2);
    }

    @SideBySide
    @Test
    void aClientHasItsNumberOfSubscriptions() {
        try (var client = Peer.at(port, Device.connect(V5, Device.id("subscriber"), true, Properties.NONE), false)) {
            client.subscribe(ONE, "a", "b", "c");
            assertThat(client.asked(Peer.to("d", ONE), Peer.to("a", ONE)))
                    .containsExactly(ReasonCode.QUOTA_EXCEEDED, ReasonCode.GRANTED_QOS_1);
        }
        assertThat(Gateway.metric(port, "sluice_limits_exceeded_total", "subscriptions", "client", "refused"))
                .isPositive();
    }

    /** Each one that takes the session over waits longer for it; nobody is shut out, and others do not wait. */
    @SideBySide
    @Test
    void connectionsThatFightOverAClientAreSlowedDown() {
        var clientId = Device.id("fight");
        var clients = new ArrayList<WireClient>();
        try {
            clients.add(online(V5, clientId));
            var begun = System.nanoTime();
            for (int i = 0; i < 2; i++) clients.add(online(V5, clientId));
            var free = since(begun);
            for (int i = 0; i < 3; i++) {
                begun = System.nanoTime();
                clients.add(online(V5, clientId));
                assertThat(since(begun)).isGreaterThanOrEqualTo(DELAY.multipliedBy(1L << i));
                begun = System.nanoTime();
                online(V5, Device.id("other")).close();
                System.out.println("another client: " + since(begun) + ", the first take-overs: " + free);
            }
            clients.getLast().sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            Device.assertEnded(clients.get(clients.size() - 2), V5, ReasonCode.SESSION_TAKEN_OVER);
        } finally {
            clients.forEach(WireClient::close);
        }
        assertThat(Gateway.metric(port, "sluice_take_overs_delayed_total")).isGreaterThanOrEqualTo(3);
    }

    /** With any heap too full, from the first collection of all of it on, which neither classes nor compiled code are to cause. */
    @ResourceLock(GATEWAY)
    @Test
    void whileThereIsTooMuchToDoNobodyNewIsLetInAndThoseWhoAreStay() throws Exception {
        var used = new int[1];
        try (var full = Gateway.shared()
                .startAnother(
                        it -> used[0] = it,
                        "-Dsluice.limits.overload-heap-percent=5",
                        "-XX:MetaspaceSize=512m",
                        "-XX:ReservedCodeCacheSize=240m")) {
            try (var client = WireClient.open(used[0], V5)) {
                Device.connected(client, Device.connect(V5, Device.id("stays"), true, Properties.NONE));
                var jcmd =
                        ProcessHandle.current().info().command().orElseThrow().replaceAll("java$", "jcmd");
                var collect =
                        new ProcessBuilder(jcmd, Long.toString(full.process().pid()), "GC.run");
                assertThat(collect.inheritIO().start().waitFor()).isZero();
                await().until(() -> Gateway.metric(used[0], "sluice_overload") == 1);
                try (var late = new RawHttp(used[0])) {
                    assertThat(late.send(RawHttp.upgrade("GET /mqtt HTTP/1.1")).status())
                            .isEqualTo(503);
                }
                client.sendPackets(Device.publish(ONE, 1, "talk/stays", "x")).receive(Packet.PubAck.class);
                assertThat(Gateway.get(used[0], "/q/health/ready").statusCode()).isEqualTo(200);
                assertThat(Gateway.metric(used[0], "sluice_overload_refused_total"))
                        .isEqualTo(1);
            }
        }
    }
}
