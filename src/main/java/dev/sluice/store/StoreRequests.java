package dev.sluice.store;

import dev.sluice.config.StoreConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.RejectedExecutionException;
import javax.sql.DataSource;

/**
 * The turns of those who ask PostgreSQL, by purpose: what the gateway has to do in time does not wait behind its clients, and these
 * do not wait behind strangers. Any virtual thread may call.
 */
@ApplicationScoped
public class StoreRequests {
    private static final int SPOOL_CONCURRENCY = 3;

    private final StoreCalls reads;
    private final StoreCalls credentials;
    private final StoreCalls retained;
    private final StoreCalls upkeep;
    private final StoreCalls spool;
    private final StoreCalls routes;
    private final StoreCalls routing;
    private final StoreCalls changes;
    private final Counter refused;

    public StoreRequests(DataSource dataSource, StoreConfig config, StoreHealth health, MeterRegistry meters) {
        var bound = config.readTimeout();
        var turns = new BoundedCalls("sluice-store-call", config.readConcurrency(), config.readsWaiting());
        this.reads = new StoreCalls(dataSource, health, turns, bound);
        var strangers = new BoundedCalls("sluice-store-call", config.credentialConcurrency(), config.readsWaiting());
        this.credentials = new StoreCalls(dataSource, health, strangers, bound);
        this.retained = new StoreCalls(dataSource, health, config.retainedConcurrency(), bound);
        this.upkeep = new StoreCalls(dataSource, health, 1, bound);
        this.spool = new StoreCalls(dataSource, health, SPOOL_CONCURRENCY, bound);
        this.routes = new StoreCalls(dataSource, health, 1, bound);
        this.routing = new StoreCalls(dataSource, health, 1, bound);
        this.changes = new StoreCalls(dataSource, health, 1, bound);
        Gauge.builder("sluice.store.reads.waiting", turns, BoundedCalls::waiting)
                .description("Reads for clients that wait for their turn")
                .register(meters);
        this.refused = Counter.builder("sluice.store.reads.refused")
                .description("Reads for clients that were put off because as many waited as may")
                .register(meters);
    }

    /** As {@link StoreCalls#call}, for a client: in turn, and put off if too many wait. */
    public <T> T call(String what, Transaction.Work<T> work) {
        try {
            return reads.call(what, work);
        } catch (StoreUnavailable unavailable) {
            if (unavailable.getCause() instanceof RejectedExecutionException) refused.increment();
            throw unavailable;
        }
    }

    /** For clients that are not let in yet, however many these are: in turn, and put off if too many wait. */
    public StoreCalls credentials() {
        return credentials;
    }

    /** For retained messages, and the names of their topics: a filter that begins with a wildcard asks for all of these, some in each turn. */
    public StoreCalls retained() {
        return retained;
    }

    /** For leases, and for looking at PostgreSQL itself: short, and one at a time. */
    public StoreCalls upkeep() {
        return upkeep;
    }

    public StoreCalls spool() {
        return spool;
    }

    public StoreCalls routes() {
        return routes;
    }

    /** For what a gateway has to know of all sessions before messages go the right way: messages pass by meanwhile. */
    public StoreCalls routing() {
        return routing;
    }

    /** For what has been withdrawn: short, and behind nothing that waits for a lock. */
    public StoreCalls changes() {
        return changes;
    }
}
