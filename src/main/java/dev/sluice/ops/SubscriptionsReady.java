package dev.sluice.ops;

import dev.sluice.broker.Broker;
import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Ready once all subscriptions and topics of retained messages are known, those included that were announced while this gateway came. Until
 * then clients that come directly are served, but what they publish waits. Any thread.
 */
@Readiness
@ApplicationScoped
class SubscriptionsReady implements HealthCheck {
    private final Broker broker;

    SubscriptionsReady(Broker broker) {
        this.broker = broker;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("subscriptions")
                .status(broker.hasLoaded())
                .build();
    }
}
