package dev.sluice.ops;

import dev.sluice.broker.Broker;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

/**
 * Stops the gateway without losing anyone: not ready, no new connections, then every client told to go elsewhere once its
 * messages are answered. Runs on the thread that shuts down.
 */
@Readiness
@ApplicationScoped
class Drain implements HealthCheck {
    private static final Logger LOG = Logger.getLogger(Drain.class);
    /** What connections may take beyond the time over which they are ended, for answers of Kafka under way. */
    private static final Duration GRACE = Duration.ofMillis(1500);
    /** What the closing handshakes of connections may take that are told without having been answered. */
    private static final Duration CUT = Duration.ofMillis(500);

    private final Broker broker;
    private final NodeConfig config;

    Drain(Broker broker, NodeConfig config) {
        this.broker = broker;
        this.config = config;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("accepting")
                .status(!broker.isDraining())
                .build();
    }

    /** While the sockets are still open: {@code ShutdownEvent} comes after the HTTP server has closed them. */
    void stop(@Observes @Priority(StartOrder.DRAIN) ShutdownDelayInitiatedEvent event) {
        var connections = broker.connections();
        if (connections > 0)
            LOG.infof(
                    "draining %d connections over %d s",
                    connections, config.drain().toSeconds());
        broker.drain(config.drain());
        awaitNone(config.drain().plus(GRACE));
        if (broker.connections() == 0) return;
        LOG.warnf("%d connections are cut with messages unanswered; they send them again", broker.connections());
        broker.cut();
        awaitNone(CUT);
    }

    private void awaitNone(Duration time) {
        var deadline = System.nanoTime() + time.toNanos();
        while (broker.connections() > 0 && System.nanoTime() < deadline)
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
}
