package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import io.agroal.api.AgroalDataSource;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One event loop, and a client that has far more to do on it than others. */
@Tag("postgres")
class FairTurnsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int MANY = 100_000;

    private AgroalDataSource pool;
    private StoreRig store;
    private BrokerRig rig;
    private BrokerRig.Client busy;
    private BrokerRig.Client other;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        var relay = new LocalRelay(new LocalRelay.Board(), "here");
        rig = new BrokerRig(relay, store, store.retainedTopics, Map.of("unmatched", "drop"));
        rig.settle();
        busy = rig.connect("busy", false);
        other = rig.connect("other", false);
    }

    @AfterEach
    void stop() {
        rig.close();
        store.close();
        pool.close();
    }

    private static Packet[] pings() {
        return Collections.nCopies(MANY, new Packet.PingReq()).toArray(Packet[]::new);
    }

    @Test
    void othersHaveTheirTurnWhileManyPacketsOfOneAreTaken() {
        busy.send(pings());
        assertOthersHaveTheirTurn();
    }

    /** As small frames bring them. */
    @Test
    void alsoIfEachPacketComesInAPieceOfItsOwn() {
        busy.sendInPieces(pings());
        assertOthersHaveTheirTurn();
    }

    private void assertOthersHaveTheirTurn() {
        other.send(new Packet.PingReq()).next(Packet.PingResp.class);
        assertThat(busy.received()).isLessThan(MANY);
        await().atMost(PATIENCE).until(() -> busy.received() == MANY);
    }

    @Test
    void whatAClientHasSentIsLookedAtWholeThoughItsSocketCloses() {
        busy.send(pings());
        busy.leave();
        await().atMost(PATIENCE).until(() -> busy.received() == MANY);
    }
}
