package dev.sluice.ops;

import dev.sluice.uplink.KafkaHealth;
import dev.sluice.uplink.ProducerWatch;
import dev.sluice.uplink.spool.Spool;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Ready while Kafka answers and takes what it is given, or the spool takes what Kafka does not, from the moment that Kafka has had every topic of the routes, or that the
 * spool takes records. Any thread.
 */
@Readiness
@Startup
@ApplicationScoped
class KafkaReady implements HealthCheck {
    private final KafkaHealth kafka;
    private final ProducerWatch producer;
    private final Spool spool;

    KafkaReady(KafkaHealth kafka, ProducerWatch producer, Spool spool) {
        this.kafka = kafka;
        this.producer = producer;
        this.spool = spool;
    }

    @Override
    public HealthCheckResponse call() {
        var state = kafka.state();
        var takes = state.available() && !producer.takesNothing();
        var spools = !takes && spool.isConfigured() && spool.hasRoom();
        var response =
                HealthCheckResponse.named("kafka").status((takes || spools) && (kafka.wasComplete() || spool.isAway()));
        if (spools) response.withData("away", "records go to the spool");
        if (spool.rows() > 0) response.withData("spool-rows", spool.rows());
        if (!state.missingTopics().isEmpty())
            response.withData("missing-topics", String.join(", ", state.missingTopics()));
        var still = producer.still();
        if (!still.isEmpty()) response.withData("not-acknowledging", ProducerWatch.text(still));
        producer.refusedTimestamp().ifPresent(why -> response.withData("timestamp-refused", why));
        if (state.refusal() != null) response.withData("refusal", state.refusal());
        return response.build();
    }
}
