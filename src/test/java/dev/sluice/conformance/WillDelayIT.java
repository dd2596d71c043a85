package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Spec;
import dev.sluice.support.Stopwatch;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The Will Delay Interval of MQTT 5 (section 3.1.3.2.2). */
class WillDelayIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private final String topic = "talk/" + Device.id("delay");
    private final String clientId = Device.id("mortal");

    /** A CONNECT with a will that waits for so many seconds, for a session that lasts for so many. */
    private Packet.Connect connect(String id, boolean cleanStart, String text, int delay, long expiry) {
        var will = new Will(
                TopicName.of(topic),
                ONE,
                false,
                Properties.NONE.with(Property.WILL_DELAY_INTERVAL, delay),
                text.getBytes(StandardCharsets.UTF_8));
        return new Packet.Connect(V5, cleanStart, 60, id, will, null, null, Device.expiry(expiry));
    }

    private Peer watcher() {
        return Peer.online(V5).subscribe(ONE, topic);
    }

    @Spec("MQTT-3.1.2-8")
    @Test
    void aWillWaitsForItsDelay() {
        try (var watcher = watcher()) {
            var mortal = Peer.connect(connect(clientId, true, "late", 2, 60));
            var lost = Stopwatch.start();
            mortal.close();
            var publish = watcher.taken();
            assertThat(Peer.text(publish)).isEqualTo("late");
            assertThat(publish.properties()).isEqualTo(Properties.NONE);
            lost.assertBetween(Duration.ofSeconds(2), Duration.ofSeconds(10));
        }
    }

    /** The session ends before the delay does. */
    @Spec("MQTT-3.1.2-8")
    @Test
    void aWillDoesNotOutliveItsSession() {
        try (var watcher = watcher()) {
            var mortal = Peer.connect(connect(clientId, true, "expired", 600, 1));
            var lost = Stopwatch.start();
            mortal.close();
            assertThat(watcher.text()).isEqualTo("expired");
            assertThat(lost.elapsed()).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        }
    }

    @Spec("MQTT-3.1.2-8")
    @Test
    void aSessionWithoutExpiryEndsWithItsConnection() {
        try (var watcher = watcher()) {
            Peer.connect(connect(clientId, true, "at once", 600, 0)).close();
            assertThat(watcher.text()).isEqualTo("at once");
        }
    }

    /** The client is back in time; a will that was due later comes, its own does not. */
    @Spec({"MQTT-3.1.2-8", "MQTT-3.1.3-9"})
    @Test
    void aNewConnectionWithinTheDelayWithdrawsTheWill() {
        try (var watcher = watcher()) {
            Peer.connect(connect(clientId, true, "withdrawn", 2, 60)).close();
            try (var back = Peer.resumed(Device.connect(V5, clientId, false, Device.expiry(60)))) {
                Peer.connect(connect(Device.id("marker"), true, "marker", 3, 60))
                        .close();
                assertThat(watcher.text()).isEqualTo("marker");
                back.assertNothingMore();
            }
        }
    }

    /** Also where the new connection takes the session over from one that is still there. */
    @Spec("MQTT-3.1.3-9")
    @Test
    void aTakeOverWithdrawsTheDelayedWill() {
        try (var watcher = watcher();
                var older = Peer.connect(connect(clientId, true, "withdrawn", 2, 60));
                var newer = Peer.resumed(Device.connect(V5, clientId, false, Device.expiry(60)))) {
            Device.assertEnded(older.wire(), V5, ReasonCode.SESSION_TAKEN_OVER);
            Peer.connect(connect(Device.id("marker"), true, "marker", 3, 60)).close();
            assertThat(watcher.text()).isEqualTo("marker");
            newer.assertNothingMore();
        }
    }

    /** Clean Start ends the session, and with it the delay. */
    @Spec("MQTT-3.1.2-8")
    @Test
    void aCleanStartPublishesTheDelayedWill() {
        try (var watcher = watcher()) {
            Peer.connect(connect(clientId, true, "ended", 600, 600)).close();
            try (var anew = Peer.connect(Device.connect(V5, clientId, true, Device.expiry(60)))) {
                assertThat(watcher.text()).isEqualTo("ended");
                anew.assertNothingMore();
            }
        }
    }

    /** DISCONNECT 0x04 asks for the will, and for its delay as well. */
    @Spec("MQTT-3.1.2-8")
    @Test
    void aWillThatIsAskedForWaitsForItsDelay() {
        try (var watcher = watcher();
                var mortal = Peer.connect(connect(clientId, true, "late", 2, 60))) {
            var left = System.nanoTime();
            mortal.wire().sendPackets(new Packet.Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, Properties.NONE));
            mortal.wire().closeStatus();
            assertThat(watcher.text()).isEqualTo("late");
            assertThat(Duration.ofNanos(System.nanoTime() - left)).isGreaterThanOrEqualTo(Duration.ofSeconds(2));
        }
    }

    /** DISCONNECT may end the session at once, and the delay with it. */
    @Spec("MQTT-3.1.2-8")
    @Test
    void aDisconnectThatEndsTheSessionEndsTheDelay() {
        try (var watcher = watcher();
                var mortal = Peer.connect(connect(clientId, true, "at once", 600, 600))) {
            mortal.wire().sendPackets(new Packet.Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE, Device.expiry(0)));
            mortal.wire().closeStatus();
            assertThat(watcher.text()).isEqualTo("at once");
        }
    }
}
