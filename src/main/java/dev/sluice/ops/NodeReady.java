package dev.sluice.ops;

import dev.sluice.cluster.node.Membership;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while its lease lasts: not after a freeze before PostgreSQL has answered, nor after others have taken it for dead. Any thread. */
@Readiness
@ApplicationScoped
class NodeReady implements HealthCheck {
    private final Membership membership;

    NodeReady(Membership membership) {
        this.membership = membership;
    }

    @Override
    public HealthCheckResponse call() {
        var lasts = !membership.isDead() && membership.lease().lasts();
        return HealthCheckResponse.named("node").status(lasts).build();
    }
}
