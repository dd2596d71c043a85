package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.stream.Collectors;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Ready from the moment that this gateway is alone, or knows what the others had to tell: a relay that fails later must not stop all of them at
 * once. Any thread.
 */
@Readiness
@ApplicationScoped
class RelayReady implements HealthCheck {
    private final KafkaRelay relay;

    RelayReady(KafkaRelay relay) {
        this.relay = relay;
    }

    @Override
    public HealthCheckResponse call() {
        var response = HealthCheckResponse.named("relay").status(relay.isReady());
        var trouble = relay.trouble();
        if (trouble != null) response.withData("trouble", trouble);
        var awaited = relay.awaited();
        if (!awaited.isEmpty())
            response.withData(
                    "awaits", awaited.stream().map(Gateway::id).sorted().collect(Collectors.joining(", ")));
        return response.build();
    }
}
