package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.HeldSession;
import dev.sluice.support.WireClient;
import java.time.Duration;
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
            var start = System.nanoTime();
            try (var second = knock();
                    var third = knock()) {
                assertThat(answer(first).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
                assertThat(answer(second).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
                assertThat(answer(third).reason()).isEqualTo(ReasonCode.SERVER_UNAVAILABLE);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
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
