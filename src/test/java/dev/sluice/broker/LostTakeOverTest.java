package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import io.agroal.api.AgroalDataSource;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A client goes on at another gateway, and the word of that is lost: two brokers in one JVM, on one PostgreSQL. */
@Tag("postgres")
class LostTakeOverTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Map<String, String> NO_ROUTES = Map.of("unmatched", "drop");

    private final LocalRelay.Board board = new LocalRelay.Board();
    private AgroalDataSource pool;
    private StoreRig store;
    private BrokerRig here;
    private BrokerRig there;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = StoreRig.pool(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        here = new BrokerRig(new LocalRelay(board, "here"), store, store.retainedTopics, NO_ROUTES);
        there = new BrokerRig(new LocalRelay(board, "there"), store, store.retainedTopics, NO_ROUTES);
        here.settle();
        there.settle();
        here.broker.start(null);
    }

    @AfterEach
    void stop() {
        here.broker.stop(null);
        here.close();
        there.close();
        store.close();
        pool.close();
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
