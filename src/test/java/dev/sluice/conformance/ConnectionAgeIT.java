package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.SideBySide;
import dev.sluice.support.WireClient;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A gateway on which connections may become 4 s old, by the bytes on the wire. They age side by side. */
class ConnectionAgeIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final Duration YOUNGEST = Duration.ofMillis(3_600);
    private static final ReasonCode REASON = ReasonCode.MAXIMUM_CONNECT_TIME;
    private static final int GOING_AWAY = 1001;
    /** A machine that stands still for a second may use up the time that a client has for its answer. */
    private static final int TRIES = 3;

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared().startAnother(used -> port = used, "-Dsluice.node.max-connection-age=4s");
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

    private static WireClient durable(String clientId, boolean expectPresent) {
        var client = WireClient.open(port, V5);
        assertThat(Device.connected(client, Device.connect(V5, clientId, false, Device.expiry(3600))))
                .isEqualTo(expectPresent);
        return client;
    }

    @SideBySide
    @ParameterizedTest
    @EnumSource
    void anOldConnectionIsEndedAndCounted(ProtocolVersion version) {
        var before = Gateway.metric(port, "sluice_disconnects_total", "maximum_connect_time");
        var begun = System.nanoTime();
        try (var client = online(version, Device.id("old"))) {
            if (version.isV5())
                assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(REASON);
            assertThat(client.closeStatus()).isEqualTo(GOING_AWAY);
            assertThat(System.nanoTime() - begun).isGreaterThan(YOUNGEST.toNanos());
        }
        await().until(() -> Gateway.metric(port, "sluice_disconnects_total", "maximum_connect_time") > before);
    }

    /** Its PUBREL comes when it is to go already, which the gateway shows by leaving other messages unanswered. */
    @SideBySide
    @Test
    void anExchangeThatHasBegunIsEndedFirst() {
        for (int i = 0; i < TRIES; i++) if (endsExchangeFirst()) return;
        throw new AssertionError("a client that is to go was told so in the midst of an exchange");
    }

    private static boolean endsExchangeFirst() {
        try (var client = online(V5, Device.id("half"))) {
            client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, 1, "talk/half", "x"))
                    .receive(Packet.PubRec.class);
            var before = abandoned();
            await().pollInterval(Duration.ofMillis(20)).until(() -> {
                client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/half", "y"));
                return abandoned() > before;
            });
            client.sendPackets(new Packet.PubRel(1));
            if (!(client.receive() instanceof Packet.PubComp)) return false;
            Device.assertEnded(client, V5, REASON);
            return true;
        } catch (UncheckedIOException late) {
            return false; // ended already
        }
    }

    private static double abandoned() {
        return Gateway.metric(port, "sluice_publishes_abandoned_total");
    }

    @SideBySide
    @Test
    void aMessageThatTheClientDoesNotAnswerIsSentAgainOnItsNextConnection() {
        var clientId = Device.id("mute");
        var topic = "talk/" + clientId;
        try (var client = durable(clientId, false)) {
            client.sendPackets(new Packet.Subscribe(1, List.of(Peer.to(topic, QoS.AT_LEAST_ONCE)), Properties.NONE))
                    .receive(Packet.SubAck.class);
            try (var other = online(V5, Device.id("other"))) {
                var answer = other.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, topic, "x"))
                        .receive(Packet.PubAck.class);
                assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
            }
            assertThat(client.receive(Packet.Publish.class).dup()).isFalse();
            Device.assertEnded(client, V5, REASON);
        }
        try (var client = durable(clientId, true)) {
            var again = client.receive(Packet.Publish.class);
            assertThat(again.dup()).isTrue();
            client.sendPackets(new Packet.PubAck(again.packetId()));
            Device.assertEnded(client, V5, REASON);
        }
    }
}
