package dev.sluice.endpoint;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while there is room for further clients, so that load balancers bring them to another gateway. Any thread. */
@Readiness
@ApplicationScoped
class SocketsReady implements HealthCheck {
    private final Sockets sockets;

    SocketsReady(Sockets sockets) {
        this.sockets = sockets;
    }

    @Override
    public HealthCheckResponse call() {
        var hasRoom = sockets.hasRoom();
        var response = HealthCheckResponse.named("sockets").status(hasRoom);
        if (!hasRoom) response.withData("full", "sluice.mqtt.connections-maximum is " + sockets.most());
        return response.build();
    }
}
