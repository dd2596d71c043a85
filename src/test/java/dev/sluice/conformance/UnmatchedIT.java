package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the policy {@code drop} answers, on a gateway of this test's own beside the shared one. */
class UnmatchedIT {
    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared().startAnother(its -> port = its, "-Dsluice.uplink.unmatched=drop");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @ParameterizedTest
    @EnumSource
    void aMessageThatNoRouteWantsIsAcknowledged(ProtocolVersion version) {
        var reason = version.isV5() ? ReasonCode.NO_MATCHING_SUBSCRIBERS : ReasonCode.SUCCESS;
        var properties = version.isV5() ? Device.expiry(60) : Properties.NONE;
        try (var client = WireClient.open(port, version)) {
            Device.connected(client, Device.connect(version, Device.id("unmatched"), false, properties));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "nowhere", "x"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(reason);
            client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, 2, "nowhere", "x"));
            assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(reason);
            client.sendPackets(new Packet.PubRel(2));
            assertThat(client.receive(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(2));
        }
    }
}
