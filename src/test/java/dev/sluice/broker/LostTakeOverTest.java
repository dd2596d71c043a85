package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A client goes on at another gateway, and the word of that is lost: two brokers in one JVM, on one PostgreSQL. */
@Tag("postgres")
class LostTakeOverTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private TwoBrokers both;
    private BrokerRig here;
    private BrokerRig there;

    @BeforeEach
    void start() {
        both = new TwoBrokers(SERVER);
        here = both.here;
        there = both.there;
        here.broker.start(null);
    }

    @AfterEach
    void stop() {
        here.broker.stop(null);
        both.close();
    }

    @Test
    void theFormerConnectionEndsWhenLettersAreMissing() {
        var former = here.connect("c", true);
        there.relay.fail(true);
        there.resume("c").hasGotNothing();
        former.hasGotNothing();
        here.relay.gap(there.relay.self());
        assertThat(former.next(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
    }

    @Test
    void theFormerConnectionEndsWhenTheLaterOnesGatewayDies() {
        var former = here.connect("c", true);
        there.relay.fail(true);
        there.resume("c").hasGotNothing();
        former.hasGotNothing();
        there.relay.leave();
        assertThat(former.next(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.SESSION_TAKEN_OVER);
    }
}
