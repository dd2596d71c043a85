package dev.sluice.store;

import dev.sluice.config.StoreConfig;
import jakarta.enterprise.context.ApplicationScoped;
import javax.sql.DataSource;

/** The turns that all readers of the store share; any virtual thread may call. */
@ApplicationScoped
public class StoreRequests {
    private final StoreCalls calls;

    public StoreRequests(DataSource dataSource, StoreConfig config, StoreHealth health) {
        this.calls = new StoreCalls(dataSource, health, config.readConcurrency(), config.readTimeout());
    }

    /** As {@link StoreCalls#call}. */
    public <T> T call(String what, Transaction.Work<T> work) {
        return calls.call(what, work);
    }
}
