package dev.sluice.ops;

import dev.sluice.uplink.KafkaHealth;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Ready while Kafka answers, from the moment that it has had every topic of the routes. Any thread.
 */
@Readiness
@Startup
@ApplicationScoped
class KafkaReady implements HealthCheck {
    private final KafkaHealth kafka;

    KafkaReady(KafkaHealth kafka) {
        this.kafka = kafka;
    }

    @Override
    public HealthCheckResponse call() {
        var state = kafka.state();
        var response = HealthCheckResponse.named("kafka").status(state.available() && kafka.wasComplete());
        if (!state.missingTopics().isEmpty())
            response.withData("missing-topics", String.join(", ", state.missingTopics()));
        if (state.refusal() != null) response.withData("refusal", state.refusal());
        return response.build();
    }
}
