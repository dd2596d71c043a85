package dev.sluice.ops;

import dev.sluice.store.StoreHealth;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/** Ready while PostgreSQL answers: without it no session can be opened. Any thread. */
@Readiness
@Startup
@ApplicationScoped
class StoreReady implements HealthCheck {
    private final StoreHealth store;

    StoreReady(StoreHealth store) {
        this.store = store;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("postgresql").status(store.available()).build();
    }
}
