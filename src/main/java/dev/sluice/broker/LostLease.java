package dev.sluice.broker;

import dev.sluice.cluster.node.Membership;
import dev.sluice.config.StartOrder;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Ends all connections when other gateways have taken this one for dead: their sessions are offline by then, or elsewhere. Runs on the
 * thread of {@link Membership}.
 */
@ApplicationScoped
class LostLease {
    private static final Logger LOG = Logger.getLogger(LostLease.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Membership membership;
    private final Departures departures;

    LostLease(Membership membership, Departures departures) {
        this.membership = membership;
        this.departures = departures;
    }

    void start(@Observes @Priority(StartOrder.SUBSCRIPTIONS) StartupEvent event) {
        membership.onDeath(this::cut);
    }

    /** Waits for the event loops, so that none reads a socket first once the gateway is alive again. */
    private void cut() {
        var ended = departures.cut(LostSession.AWAY).completeOnTimeout(null, PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        ended.exceptionally(bug -> {
                    LOG.error("ending a connection failed", bug);
                    return null;
                })
                .join();
    }
}
