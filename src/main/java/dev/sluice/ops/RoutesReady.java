package dev.sluice.ops;

import dev.sluice.uplink.route.LiveRoutes;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Says which routes are in force. Always ready: while the stored ones are wrong, the last good ones serve. Any thread. */
@Readiness
@ApplicationScoped
class RoutesReady implements HealthCheck {
    private final LiveRoutes routes;

    RoutesReady(LiveRoutes routes) {
        this.routes = routes;
    }

    @Override
    public HealthCheckResponse call() {
        var state = routes.state();
        var response = HealthCheckResponse.named("routes").up().withData("version", state.inForce());
        state.rejection().ifPresent(wrong -> response.withData(
                        "rejected-version", state.stored().version())
                .withData("rejected-because", wrong.getMessage())
                .withData("in-force", state.stopgap()));
        return response.build();
    }
}
