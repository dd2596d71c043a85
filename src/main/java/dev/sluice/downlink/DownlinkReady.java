package dev.sluice.downlink;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Says why commands do not come from Kafka, or not from a partition. Always ready: devices are served all the same. Any thread.
 */
@Readiness
@ApplicationScoped
class DownlinkReady implements HealthCheck {
    private final Downlink downlink;

    DownlinkReady(Downlink downlink) {
        this.downlink = downlink;
    }

    @Override
    public HealthCheckResponse call() {
        var response = HealthCheckResponse.named("downlink").up();
        downlink.troubles().forEach(response::withData);
        return response.build();
    }
}
