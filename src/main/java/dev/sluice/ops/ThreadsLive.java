package dev.sluice.ops;

import dev.sluice.clock.Repeating;
import dev.sluice.store.journal.Journal;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.context.BeforeDestroyed;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/**
 * Live while every thread runs that others rely on for as long as the gateway does: only a restart brings one back. Any thread may ask. Ends them
 * if the start fails, on the thread that starts.
 */
@Liveness
@ApplicationScoped
class ThreadsLive implements HealthCheck {
    private static final Duration LAST_TURN = Duration.ofSeconds(1);

    private final Journal journal;

    ThreadsLive(Journal journal) {
        this.journal = journal;
    }

    /**
     * Before the beans go. In a stop, all threads have ended by then; a start that fails tells nobody to stop, and what threads would say that have
     * lost their beans would hide its reason.
     */
    static void end(@Observes @BeforeDestroyed(ApplicationScoped.class) Object event) {
        Repeating.stopAll(LAST_TURN);
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
