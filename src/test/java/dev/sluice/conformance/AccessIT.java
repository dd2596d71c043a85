package dev.sluice.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who may connect, and whose sessions are whose, by the bytes on the wire. */
class AccessIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    static final Properties UNKNOWN = Properties.NONE.with(Property.AUTHENTICATION_METHOD, "unknown");

    private final Gateway gateway = Gateway.shared();

    static Packet.Connect withPassword(ProtocolVersion version) {
        return new Packet.Connect(
                version, true, 60, Device.id("access"), null, "user", "password".getBytes(UTF_8), Properties.NONE);
    }

    /** A CONNACK with this code, then the end. */
    static void assertRefused(WireClient client, Packet.Connect connect, int code) {
        var connAck = client.connect(connect).receiveBytes();
        assertThat(connAck[0]).isEqualTo((byte) 0x20);
        assertThat(connAck[2]).as("Session Present").isZero();
        assertThat(connAck[3] & 0xFF).isEqualTo(code);
        client.closeStatus();
    }

    /** It takes no user name for true, and lets in whoever comes. */
    @ParameterizedTest
    @EnumSource
    void anonymousTakesNoUserNameForTrue(ProtocolVersion version) {
        try (var client = Device.socket(version)) {
            var connect = withPassword(version);
            Device.connected(client, connect);
            var identity = gateway.query("SELECT identity FROM session WHERE client_id = ?", connect.clientId());
            assertThat(identity).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void anotherUsersSessionIsNeitherResumedNorReplacedNorTakenOver(ProtocolVersion version) {
        var clientId = Device.id("victim");
        var code = version.isV5() ? ReasonCode.NOT_AUTHORIZED.value() : 5;
        try (var victim = Device.durable(V5, clientId, false)) {
            gateway.execute("UPDATE session SET identity = 'ann' WHERE client_id = '" + clientId + "'");
            for (var cleanStart : new boolean[] {true, false})
                try (var thief = Device.socket(version)) {
                    assertRefused(thief, Device.connect(version, clientId, cleanStart, Properties.NONE), code);
                }
            assertThat(victim.sendPackets(new Packet.PingReq()).receive()).isInstanceOf(Packet.PingResp.class);
        }
        await().until(() -> "f"
                .equals(gateway.query("SELECT connected::text FROM session WHERE client_id = ?", clientId)
                        .substring(0, 1)));
        try (var thief = Device.socket(version)) {
            assertRefused(thief, Device.connect(version, clientId, true, Properties.NONE), code);
        }
        assertThat(gateway.query("SELECT identity FROM session WHERE client_id = ?", clientId))
                .isEqualTo("ann");
        gateway.execute("UPDATE session SET identity = '' WHERE client_id = '" + clientId + "'");
        Device.durable(V5, clientId, true).close();
    }

    /** Who is not known takes no turn of the client identifier, and throws nobody out. */
    @Test
    void whoIsNotKnownDelaysNobody() {
        var clientId = Device.id("victim");
        var thieves = new ArrayList<WireClient>();
        try (var online = Device.durable(V5, clientId, false)) {
            for (int i = 0; i < 200; i++) {
                var thief = Device.socket(V5);
                thief.connect(Device.connect(V5, clientId, true, UNKNOWN));
                thieves.add(thief);
            }
            try (var again = Device.socket(V5)) {
                var watch = Stopwatch.start();
                assertThat(Device.connected(again, Device.connect(V5, clientId, false, Device.expiry(60))))
                        .isTrue();
                Device.assertEnded(online, V5, ReasonCode.SESSION_TAKEN_OVER);
                watch.assertLessThan(Duration.ofSeconds(2));
                for (var thief : thieves)
                    assertThat(thief.receive(Packet.ConnAck.class).reason())
                            .isEqualTo(ReasonCode.BAD_AUTHENTICATION_METHOD);
                assertThat(again.sendPackets(new Packet.PingReq()).receive()).isInstanceOf(Packet.PingResp.class);
            }
        } finally {
            thieves.forEach(WireClient::close);
        }
    }
}
