package dev.sluice.cluster.node;

import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.store.NodeRun;
import dev.sluice.store.StoreRig;
import dev.sluice.store.SweepTurn;
import dev.sluice.store.node.Burial;
import dev.sluice.store.node.NodeLease;
import dev.sluice.support.NodeSettings;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.Callable;

/** What a gateway has of its place among its like, without the rest, and without threads: it does something when the test says so. */
final class Member implements AutoCloseable {
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    final SweepTurn sweeps = new SweepTurn();
    final NodeRun run = new NodeRun();
    final Lease lease;
    final Burial burial;
    final Membership membership;
    final Burials burials;
    private final LocalRelay relay;
    private final NodeLease store;
    private final MovedClock clock;
    private final Duration time;

    /** @param pool its way to PostgreSQL for its lease */
    Member(
            LocalRelay relay,
            StoreRig rig,
            AgroalDataSource pool,
            StoreRig.Settings settings,
            MovedClock clock,
            String id,
            Duration time) {
        this.clock = clock;
        this.time = time;
        this.relay = relay;
        var config = NodeSettings.of(id, "lease", time.toString());
        lease = new Lease(config, clock::nanoTime);
        store = new NodeLease(pool, config);
        burial = new Burial(rig.pool, settings, meters);
        membership = new Membership(store, burial, sweeps, lease, run, config, "host", 64, 8080, "1", meters);
        burials = new Burials(membership, burial, relay, sweeps, rig.health, config);
    }

    Member enter() {
        membership.enter();
        return this;
    }

    Gateway self() {
        return membership.self();
    }

    /** Renews its lease, looks around, and buries whom it may. */
    void turn() {
        membership.turn();
        burials.turn();
    }

    /** As SIGKILL does: PostgreSQL sees its connection end. */
    void kill() {
        store.close();
    }

    @Override
    public void close() {
        relay.close();
        store.close();
    }

    /** Renews, while time passes, for as long as it takes until something is so. */
    void turnUntil(Callable<Boolean> condition) {
        await().until(() -> {
            turn();
            if (condition.call()) return true;
            clock.pass(time.dividedBy(10));
            return false;
        });
    }
}
