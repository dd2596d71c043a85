package dev.sluice.ops;

import dev.sluice.uplink.KafkaHealth;
import dev.sluice.uplink.spool.Spool;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Ready while Kafka answers, or the spool takes what Kafka does not, from the moment that Kafka has had every topic of the routes, or that the
 * spool takes records. Any thread.
 */
@Readiness
@Startup
@ApplicationScoped
class KafkaReady implements HealthCheck {
    private final KafkaHealth kafka;
    private final Spool spool;

    KafkaReady(KafkaHealth kafka, Spool spool) {
        this.kafka = kafka;
        this.spool = spool;
    }

    @Override
    public HealthCheckResponse call() {
        var state = kafka.state();
        var spools = !state.available() && spool.isConfigured() && spool.hasRoom();
        var response = HealthCheckResponse.named("kafka")
                .status((state.available() || spools) && (kafka.wasComplete() || spool.isAway()));
        if (spools) response.withData("away", "records go to the spool");
        if (spool.rows() > 0) response.withData("spool-rows", spool.rows());
        if (!state.missingTopics().isEmpty())
            response.withData("missing-topics", String.join(", ", state.missingTopics()));
        if (state.refusal() != null) response.withData("refusal", state.refusal());
        return response.build();
    }
}
