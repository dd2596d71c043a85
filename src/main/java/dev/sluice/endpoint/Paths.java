package dev.sluice.endpoint;

import dev.sluice.config.MqttConfig;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** Leads WebSocket upgrades of the configured paths to the endpoint, whose own path nobody can ask for. */
@ApplicationScoped
class Paths {
    private static final String LED = "sluice.led";
    /** Before every other route. */
    private static final int FIRST = Integer.MIN_VALUE;

    private final MqttConfig config;

    Paths(MqttConfig config) {
        this.config = config;
    }

    void register(@Observes Router router) {
        for (var path : config.paths()) {
            if (!path.startsWith("/"))
                throw new IllegalArgumentException("sluice.mqtt.paths: \"" + path + "\" does not begin with /");
            router.route(path).order(FIRST).handler(Paths::lead);
        }
        router.route(MqttEndpoint.PATH).order(FIRST).handler(request -> {
            if (request.get(LED) == null) request.fail(404);
            else request.next();
        });
    }

    private static void lead(RoutingContext request) {
        if (request.request().getHeader("Sec-WebSocket-Key") == null) {
            request.next();
            return;
        }
        request.put(LED, true);
        request.reroute(MqttEndpoint.PATH);
    }
}
