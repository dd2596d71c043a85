package dev.sluice.endpoint;

import dev.sluice.config.MqttConfig;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/**
 * Leads WebSocket upgrades of the configured paths to the endpoint, whose own path nobody can ask for, and tells each socket which of its
 * requests are being answered. Called on the channel's event loop.
 */
@ApplicationScoped
class Paths {
    private static final String LED = "sluice.led";
    private static final String KEY = "Sec-WebSocket-Key";
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;
    /** Before every other route. */
    private static final int FIRST = Integer.MIN_VALUE;

    private final MqttConfig config;
    private final Sockets sockets;

    Paths(MqttConfig config, Sockets sockets) {
        this.config = config;
        this.sockets = sockets;
    }

    void register(@Observes Router router) {
        router.route().order(FIRST).handler(this::tellSocket);
        for (var path : config.paths()) {
            if (!path.startsWith("/"))
                throw new IllegalArgumentException("sluice.mqtt.paths: \"" + path + "\" does not begin with /");
            router.route(path).order(FIRST).handler(Paths::lead);
        }
        router.route(MqttEndpoint.PATH).order(FIRST).handler(request -> {
            if (request.get(LED) == null) request.fail(NOT_FOUND);
            else request.next();
        });
    }

    /** An upgrade is answered with a WebSocket, and not before that is open. */
    private void tellSocket(RoutingContext context) {
        var request = context.request();
        if (request.getHeader(KEY) == null && request.connection() instanceof HttpServerConnection connection) {
            var socket = sockets.of(connection.channel());
            socket.asked(request);
            var loop = connection.channel().eventLoop(); // REST answers on threads of its own
            context.addEndHandler(_ -> loop.execute(() -> socket.answered(request)));
        }
        context.next();
    }

    private static void lead(RoutingContext context) {
        if (context.request().getHeader(KEY) != null) {
            context.put(LED, true);
            context.reroute(MqttEndpoint.PATH);
        } else if (context.request().getHeader("Upgrade") != null) {
            context.fail(BAD_REQUEST);
        } else {
            context.next();
        }
    }
}
