package dev.sluice.conformance;

import static dev.sluice.conformance.OptionsIT.port;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of messages that no route takes by the policy {@code drop}. */
abstract class UnmatchedCases {
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

    /** Only Kafka has no place for it: whoever has subscribed gets it. */
    @Test
    void aWillThatNoRouteTakesIsForSubscribers() {
        var v5 = ProtocolVersion.V5;
        var will = new Will(TopicName.of("nowhere"), QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[] {'w'});
        try (var watcher = Peer.at(port, Device.connect(v5, Device.id("watcher"), true, Properties.NONE), false)) {
            watcher.subscribe(QoS.AT_LEAST_ONCE, "nowhere");
            try (var mortal = WireClient.open(port, v5)) {
                Device.connected(mortal, Device.connect(v5, Device.id("mortal"), will, Properties.NONE));
            }
            assertThat(watcher.text()).isEqualTo("w");
        }
    }
}
