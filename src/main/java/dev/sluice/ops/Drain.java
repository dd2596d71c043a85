package dev.sluice.ops;

import dev.sluice.broker.Departures;
import dev.sluice.cluster.node.Membership;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

/**
 * Empties the gateway without losing anyone, because it stops or because an administrator asks: not ready at once; after a delay, in which
 * load balancers hear of that, no new connections, and every client told to go elsewhere once nothing of it is half done. A stop runs on
 * the thread that shuts down; any thread may ask.
 */
@Readiness
@ApplicationScoped
class Drain implements HealthCheck {
    private static final Logger LOG = Logger.getLogger(Drain.class);
    /** Extra time after the last client was told to go, for Kafka's answers and the client's own. */
    private static final Duration GRACE = Duration.ofSeconds(3);
    /** Time for the closing handshakes of connections that end without their answers. */
    private static final Duration CUT = Duration.ofMillis(500);

    private final Departures departures;
    private final NodeConfig config;
    private volatile boolean stopping;
    /** Changes with each demand, so that one that waits for the delay knows whether it still holds. Guarded by this object. */
    private long demand;
    /** Whether an administrator wants the gateway empty. */
    private volatile boolean demanded;

    Drain(Departures departures, NodeConfig config) {
        this.departures = departures;
        this.config = config;
    }

    void start(@Observes StartupEvent event, Membership membership) {
        membership.drain().onChange(this::asked);
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("accepting")
                .status(!stopping && !demanded)
                .build();
    }

    /** An administrator wants the gateway empty, or takes that back; a stop that has begun goes on. */
    synchronized void asked(boolean drains) {
        if (demanded == drains || stopping) return;
        demanded = drains;
        var own = ++demand;
        if (!drains) {
            LOG.info("clients may come and stay again, as asked");
            departures.stay();
            return;
        }
        LOG.infof(
                "draining as asked: not ready; clients are let go after %d s",
                config.drainDelay().toSeconds());
        Thread.ofVirtual().name("sluice-drain").start(() -> {
            park(config.drainDelay());
            drain(own);
        });
    }

    private synchronized void drain(long own) {
        if (demand == own && !stopping) departures.drain();
    }

    /** Whether the process is about to end. */
    boolean isStopping() {
        return stopping;
    }

    /** While the sockets are still open: {@code ShutdownEvent} comes after the HTTP server has closed them. */
    void delay(@Observes @Priority(StartOrder.DRAIN_DELAY) ShutdownDelayInitiatedEvent event) {
        synchronized (this) {
            stopping = true;
        }
        if (config.drainDelay().isZero() || departures.isDraining()) return;
        LOG.infof(
                "stopping: not ready; clients come and are served for %d s more",
                config.drainDelay().toSeconds());
        park(config.drainDelay());
    }

    void stop(@Observes @Priority(StartOrder.DRAIN) ShutdownDelayInitiatedEvent event) {
        var connections = departures.connections();
        if (connections > 0)
            LOG.infof(
                    "draining %d connections, %d a second, and all of them within %d s",
                    connections, config.drainRate(), config.drainMax().toSeconds());
        departures.drain(config.drainMax());
        await(config.drainMax(), () -> departures.waiting() == 0);
        await(GRACE, () -> departures.connections() == 0);
        if (departures.connections() == 0) return;
        LOG.warnf("%d connections are cut with messages unanswered; they send them again", departures.connections());
        departures.cut();
        await(CUT, () -> departures.connections() == 0);
    }

    private static void park(Duration time) {
        var deadline = System.nanoTime() + time.toNanos();
        for (var left = time.toNanos(); left > 0; left = deadline - System.nanoTime()) LockSupport.parkNanos(left);
    }

    private static void await(Duration time, BooleanSupplier condition) {
        var deadline = System.nanoTime() + time.toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() - deadline < 0)
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
}
