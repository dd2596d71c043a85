package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Publisher;
import dev.sluice.support.WireClient;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Connections take sessions over while messages are under way: numbers have no gaps, and what is sent again has its first message id. */
class TakeOverFaultIT {
    private static final int CLIENTS = 4;
    private static final int TAKE_OVERS = 10;
    private static final int WINDOW = 50;
    private static final Duration PACE = Duration.ofMillis(1);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void takeOversLeaveNoGap() {
        try (var servers = Servers.start("take-over", "-Dsluice.limits.take-over-delay-maximum=0s");
                var fleet = new Fleet(servers.port())) {
            for (int i = 0; i < CLIENTS; i++) fleet.add(profile(i));
            for (int i = 0; i < TAKE_OVERS; i++) {
                fleet.awaitProgress(PATIENCE, WINDOW, fleet.all());
                for (var publisher : fleet) takeOver(servers.port(), publisher.profile());
            }
            fleet.awaitProgress(PATIENCE, WINDOW, fleet.all());
            fleet.quiet(PATIENCE);
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.println("take-overs: " + account.report());
            account.assertKept();
            account.assertComplete();
            for (var publisher : fleet) {
                assertThat(publisher.connects()).isGreaterThan(TAKE_OVERS);
                assertThat(publisher.disconnects())
                        .extracting(Publisher.Told::reason)
                        .containsOnly(ReasonCode.SESSION_TAKEN_OVER);
            }
        }
    }

    private static Publisher.Profile profile(int i) {
        var qos = i % 2 == 0 ? QoS.AT_LEAST_ONCE : QoS.EXACTLY_ONCE;
        return new Publisher.Profile("client-" + i, ProtocolVersion.V5, qos, true, WINDOW, 1, PACE, 64);
    }

    /** By a connection of the same client that then ends without a word, too. */
    private static void takeOver(int port, Publisher.Profile profile) {
        var expiry = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 3600);
        try (var thief = WireClient.open(port, profile.version())) {
            var connect =
                    new Packet.Connect(profile.version(), false, 60, profile.clientId(), null, null, null, expiry);
            assertThat(thief.connect(connect).receive(Packet.ConnAck.class).sessionPresent())
                    .isTrue();
        }
    }
}
