package dev.sluice.broker;

import dev.sluice.clock.Repeating;
import dev.sluice.cluster.node.Membership;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import org.jboss.logging.Logger;

/**
 * Spreads clients over the gateways again when others have come: this one lets some go while it has more than its share. Off unless
 * configured. Owns one virtual thread.
 */
@ApplicationScoped
class Rebalancing {
    private static final Logger LOG = Logger.getLogger(Rebalancing.class);
    private static final Duration TURN = Duration.ofSeconds(1);

    private final Departures departures;
    private final Membership membership;
    private final int rate;
    private final Surplus surplus;
    private final Repeating turns = Repeating.onVirtualThread("sluice-rebalancing");
    private boolean isAtIt;

    Rebalancing(Departures departures, Membership membership, NodeConfig config) {
        this.departures = departures;
        this.membership = membership;
        this.rate = config.rebalanceRate();
        if (rate < 0) throw new IllegalArgumentException("sluice.node.rebalance-rate: " + rate + " is less than 0");
        this.surplus = new Surplus(rate, config.rebalanceAfter());
    }

    void start(@Observes @Priority(StartOrder.SUBSCRIPTIONS) StartupEvent event) {
        if (rate > 0) turns.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        turns.stop();
    }

    private Duration turn() {
        if (departures.isDraining()) return TURN;
        var others = membership.connectionsOfOthers();
        var own = departures.connections();
        var some = surplus.turn(System.nanoTime(), own, others);
        if (some > 0 && !isAtIt)
            LOG.infof(
                    "%d clients are here, more than the share of one of %d gateways: some are let go, %d a second",
                    own, others.size() + 1, rate);
        isAtIt = some > 0;
        if (some > 0) departures.spread(some);
        return TURN;
    }
}
