package dev.sluice.ops;

import dev.sluice.cluster.node.Membership;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready unless others have taken this gateway for dead, and it is not registered again. Any thread. */
@Readiness
@ApplicationScoped
class NodeReady implements HealthCheck {
    private final Membership membership;

    NodeReady(Membership membership) {
        this.membership = membership;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("node").status(!membership.isDead()).build();
    }
}
