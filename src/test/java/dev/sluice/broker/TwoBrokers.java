package dev.sluice.broker;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.RetainedBounds;
import dev.sluice.store.delivery.RetainedTopics;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.Map;

/** Owns the brokers of two gateways in one JVM, on one empty PostgreSQL, with no route to Kafka; used by one thread. */
final class TwoBrokers implements AutoCloseable {
    private static final Map<String, String> NO_ROUTES = Map.of("unmatched", "drop");

    final StoreRig store;
    final BrokerRig here;
    final BrokerRig there;
    private final AgroalDataSource pool;

    TwoBrokers(EmbeddedServer server) {
        this(server, Map.of());
    }

    /** @param ofHere keys of the configuration that only one of them has */
    TwoBrokers(EmbeddedServer server, Map<String, String> ofHere) {
        server.empty();
        pool = Pools.patient(server);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        var board = new LocalRelay.Board();
        here = new BrokerRig(new LocalRelay(board, "here"), store, store.retainedTopics, NO_ROUTES, ofHere);
        // It hears of nothing that the other one retains.
        var topics = new RetainedTopics(store.requests, store.clock, RetainedBounds.NONE, new SimpleMeterRegistry());
        there = new BrokerRig(new LocalRelay(board, "there"), store, topics, NO_ROUTES);
        here.settle();
        there.settle();
    }

    @Override
    public void close() {
        here.close();
        there.close();
        store.close();
        pool.close();
    }
}
