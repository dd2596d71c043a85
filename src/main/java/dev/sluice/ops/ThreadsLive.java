package dev.sluice.ops;

import dev.sluice.clock.Repeating;
import dev.sluice.store.journal.Journal;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.ArrayList;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Live while every thread runs that others rely on for as long as the gateway does: only a restart brings one back. Any thread. */
@Liveness
@ApplicationScoped
class ThreadsLive implements HealthCheck {
    private final Journal journal;

    ThreadsLive(Journal journal) {
        this.journal = journal;
    }

    @Override
    public HealthCheckResponse call() {
        var dead = new ArrayList<>(journal.deadLanes());
        dead.addAll(Repeating.dead());
        var response = HealthCheckResponse.named("threads").status(dead.isEmpty());
        if (!dead.isEmpty()) response.withData("ended", String.join(", ", dead));
        return response.build();
    }
}
