package dev.sluice.cluster.node;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.cluster.Relay;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.SweepTurn;
import dev.sluice.store.node.Burial;
import dev.sluice.store.node.Burial.Sign;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Decides when this gateway does a {@link Burial}: of earlier runs of its own name from its start on, so that clients need not wait for it, and
 * of other gateways that are {@link Silence silent} once it {@link Membership#mayBury}. One virtual thread.
 */
@ApplicationScoped
public class Burials {
    private static final Logger LOG = Logger.getLogger(Burials.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** So long a COMMIT of a killed run may be under way, of which nobody sees the row. */
    private static final Duration UNDER_WAY = Duration.ofMinutes(1);

    private final Membership membership;
    private final Burial burial;
    private final Relay relay;
    private final SweepTurn sweeps;
    private final StoreHealth health;
    private final Duration lease;
    private final Silence silence;
    private final ThrottledLog locked = new ThrottledLog(LOG);
    private final Repeating burying = Repeating.onVirtualThread("sluice-burial");

    /** The run of this gateway whose predecessors it is at, since when, and whether they have left nothing; of its thread. */
    private long run;

    private long runSeenAt;
    private boolean areEarlierOver;
    private long searchedAt;
    /** Gateways without a row, as found last, and those that were named in the log; of its thread. */
    private Set<String> strangers = Set.of();

    private final Set<String> named = new HashSet<>();

    Burials(
            Membership membership,
            Burial burial,
            Relay relay,
            SweepTurn sweeps,
            StoreHealth health,
            NodeConfig config) {
        this.membership = membership;
        this.burial = burial;
        this.relay = relay;
        this.sweeps = sweeps;
        this.health = health;
        this.lease = config.lease();
        this.silence = new Silence(lease);
        this.searchedAt = now();
        relay.onDead(membership::heardDead);
    }

    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        burying.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        burying.stop();
    }

    Duration turn() {
        if (!health.available() || membership.isDead()) return INTERVAL;
        try {
            var silent = silent();
            endEarlier();
            if (!membership.mayBury()) return INTERVAL;
            burial.buryDead(silent, relay::tellDead, burying::isStopped);
            if (!sweeps.isOurs() || now() - searchedAt < lease.toNanos()) return INTERVAL;
            searchedAt = now();
            burial.declareForgotten(lease);
            lookForStrangers();
        } catch (SQLException | RuntimeException failure) {
            LOG.warnf("ending the connections of dead gateways, to be tried again: %s", failure.getMessage());
        }
        return INTERVAL;
    }

    private long now() {
        return membership.lease().now();
    }

    /** Never this gateway itself. */
    private List<Sign> silent() throws SQLException {
        var asked = now();
        var signs = burial.signs(membership.id());
        return silence.hear(signs, asked, now());
    }

    /** One that has just left writes no more when it is looked for again. */
    private void lookForStrangers() throws SQLException {
        var found = Set.copyOf(burial.unregistered(lease.dividedBy(2)));
        for (var name : found)
            if (strangers.contains(name) && named.add(name))
                LOG.errorf(
                        "gateway %s writes to this PostgreSQL, and is of a version that knows of no other gateways:"
                                + " messages between its clients and those of others get lost. Stop it; it cannot run beside this"
                                + " one.",
                        name);
        named.retainAll(found);
        strangers = found;
    }

    private void endEarlier() throws SQLException {
        var self = membership.self();
        if (self.run() != run) {
            run = self.run();
            runSeenAt = now();
            areEarlierOver = false;
        }
        if (areEarlierOver) return;
        var pass = burial.endEarlier(self.id(), self.run(), burying::isStopped);
        if (pass.ended() > 0)
            LOG.infof("%d connections of an earlier run of gateway %s ended", pass.ended(), self.id());
        if (pass.locked() > 0)
            locked.warn("at least " + pass.locked() + " connections of an earlier run of gateway " + self.id()
                    + " have not ended: their rows are locked by another transaction; to be tried again");
        areEarlierOver = pass.locked() == 0 && now() - runSeenAt > UNDER_WAY.toNanos();
    }
}
