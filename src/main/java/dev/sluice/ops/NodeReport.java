package dev.sluice.ops;

import dev.sluice.broker.Departures;
import dev.sluice.cluster.node.Membership;
import dev.sluice.store.node.NodeLease.Report;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

/**
 * Says how this gateway does, for its row in PostgreSQL: how many clients it has, and whether it takes more, as load balancers are told. On the
 * thread of {@link Membership}.
 */
@ApplicationScoped
class NodeReport {
    private static final Logger LOG = Logger.getLogger(NodeReport.class);

    private final Departures departures;
    private final Drain drain;
    private final Instance<HealthCheck> checks;

    NodeReport(Departures departures, @Readiness Drain drain, @Readiness Instance<HealthCheck> checks) {
        this.departures = departures;
        this.drain = drain;
        this.checks = checks;
    }

    void start(@Observes StartupEvent event, Membership membership) {
        membership.report(() -> new Report(departures.connections(), isReady(), drain.isStopping()));
    }

    private boolean isReady() {
        try {
            return checks.stream().allMatch(check -> check.call().getStatus() == Status.UP);
        } catch (RuntimeException bug) { // which must not keep the lease from being renewed
            LOG.debug("a readiness check failed", bug);
            return false;
        }
    }
}
