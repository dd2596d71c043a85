package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.HeldSession;
import dev.sluice.support.Spec;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** CONNECTs of one client that come while PostgreSQL takes its time: each has its turn, in the order in which they came. */
class OpenOrderIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("order");

    @BeforeEach
    void aSessionIsThere() {
        Peer.durable(V5, clientId).leave();
        await().until(() -> gateway.query("SELECT connected FROM session WHERE client_id = ?", clientId)
                .equals("f"));
    }

    /** A client that does not wait for its CONNACK yet. */
    private WireClient knock() {
        return Device.socket(V5).connect(Device.connect(V5, clientId, false, Device.expiry(3600)));
    }

    private static Packet.ConnAck answer(WireClient client) {
        return client.receive(Packet.ConnAck.class);
    }

    private static void assertOnline(WireClient client) {
        assertThat(answer(client))
                .returns(ReasonCode.SUCCESS, Packet.ConnAck::reason)
                .returns(true, Packet.ConnAck::sessionPresent);
        client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
    }

    private void awaitGone(double connections) {
        await("the closed socket").until(() -> gateway.metric("sluice_connections") <= connections);
    }

    private double opens() {
        return gateway.metric("sluice_session_open_seconds_count");
    }

    /** It never had the session, so it takes it from nobody, and nobody hears of it. */
    @Test
    void aConnectThatWasGivenUpWhileItWaitedIsNotOpened() throws Exception {
        WireClient first;
        WireClient last;
        double opens;
        try (var held = HeldSession.of(gateway, clientId)) {
            first = knock();
            await("its open").until(() -> held.waiting() > 0);
            opens = opens();
            var connections = gateway.metric("sluice_connections");
            knock().close();
            awaitGone(connections);
            last = knock();
        }
        try (first;
                last) {
            assertThat(answer(first).reason()).isEqualTo(ReasonCode.SUCCESS);
            Device.assertEnded(first, V5, ReasonCode.SESSION_TAKEN_OVER);
            assertOnline(last);
            assertThat(opens() - opens).isEqualTo(2);
        }
    }

    /** The first is being opened when its socket closes; the second, which was there later, keeps the session. */
    @Test
    void whoCameLaterKeepsTheSession() throws Exception {
        WireClient second;
        try (var held = HeldSession.of(gateway, clientId)) {
            var connections = gateway.metric("sluice_connections");
            var first = knock();
            await("its open").until(() -> held.waiting() > 0);
            first.close();
            awaitGone(connections);
            second = knock();
        }
        try (second) {
            assertOnline(second);
            await().until(() -> gateway.query("SELECT connected FROM session WHERE client_id = ?", clientId)
                    .equals("t"));
            second.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        }
    }

    /** A client waits for its CONNACK as long as one open may take, not once for each that came before it. */
    @Test
    void theWaitForATurnIsPartOfTheOpenTimeout() throws Exception {
        try (var held = HeldSession.of(gateway, clientId);
                var first = knock()) {
            await("its open").until(() -> held.waiting() > 0);
            var start = Stopwatch.start();
            try (var second = knock();
                    var third = knock()) {
                assertThat(answer(first).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
                assertThat(answer(second).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
                assertThat(answer(third).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
            }
            start.assertLessThan(Duration.ofSeconds(5));
        }
        try (var later = knock()) {
            assertOnline(later);
        }
    }

    /** What was read ahead of the open is looked at after it. */
    @Test
    void whatComesRightBehindConnectIsAnswered() throws Exception {
        WireClient client;
        try (var held = HeldSession.of(gateway, clientId)) {
            client = knock();
            await("its open").until(() -> held.waiting() > 0);
            client.sendPackets(new Packet.PingReq(), new Packet.PingReq());
        }
        try (client) {
            assertOnline(client);
            client.receive(Packet.PingResp.class);
            client.receive(Packet.PingResp.class);
        }
    }

    /** It need not wait for its CONNACK (section 3.1.4), nor for anything else: what it says counts, its good-bye first of all. */
    @Spec(
            value = {"MQTT-3.1.2-10", "MQTT-3.14.4-3"},
            v311 = "MQTT-3.1.2-10")
    @Test
    void whoSaysAllAtOnceAndLeavesIsHeard() throws Exception {
        var topic = "talk/" + clientId;
        var hurried = new ArrayList<WireClient>();
        try (var watcher = Peer.online(V5).subscribe(QoS.AT_LEAST_ONCE, topic)) {
            try (var held = HeldSession.of(gateway, clientId)) {
                for (int i = 0; i < 3; i++) hurried.add(inAHurry(topic, i));
                await("its open").until(() -> held.waiting() > 0);
                for (var one : hurried) one.close();
            }
            // On several event loops, they have come in any order.
            var said = Stream.generate(watcher::text).limit(6).toList();
            assertThat(said).containsExactlyInAnyOrder("zero-0", "one-0", "zero-1", "one-1", "zero-2", "one-2");
            await().until(() -> gateway.query("SELECT connected FROM session WHERE client_id = ?", clientId)
                    .equals("f"));
            Peer.resumed(V5, clientId).publish(QoS.AT_LEAST_ONCE, topic, "end").leave();
            assertThat(watcher.text()).as("no will").isEqualTo("end");
        }
    }

    private WireClient inAHurry(String topic, int number) {
        var will = new Will(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                "will".getBytes(StandardCharsets.UTF_8));
        var connect = new Packet.Connect(V5, false, 60, clientId, will, null, null, Device.expiry(3600));
        return Device.socket(V5)
                .sendPackets(
                        connect,
                        Device.publish(QoS.AT_MOST_ONCE, 0, topic, "zero-" + number),
                        Device.publish(QoS.AT_LEAST_ONCE, 1, topic, "one-" + number),
                        Device.goodbye());
    }

    /** Two devices with one identifier: whoever comes later has the session, however often, and both hear why they lose it. */
    @Test
    void twoClientsWithOneIdentifierTakeTurns() {
        var ended = gateway.metric("sluice_disconnects_total", "session_taken_over");
        WireClient before = null;
        for (int i = 0; i < 30; i++) {
            var now = knock();
            assertOnline(now);
            if (before != null) {
                Device.assertEnded(before, V5, ReasonCode.SESSION_TAKEN_OVER);
                before.close();
            }
            before = now;
        }
        before.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        before.close();
        await().until(() -> gateway.metric("sluice_disconnects_total", "session_taken_over") - ended == 29);
    }
}
