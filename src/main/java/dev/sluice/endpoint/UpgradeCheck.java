package dev.sluice.endpoint;

import dev.sluice.broker.Broker;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.quarkus.websockets.next.HttpUpgradeCheck;
import io.quarkus.websockets.next.UserData.TypedKey;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.HttpServerConnection;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Decides who may upgrade to a WebSocket, and puts the {@link WebSocketFrames} into the channel of who may. Called on the
 * channel's event loop.
 */
@ApplicationScoped
class UpgradeCheck implements HttpUpgradeCheck {
    static final TypedKey<WebSocketFrames> FRAMES = new TypedKey<>("sluice.frames");

    private static final List<String> SUB_PROTOCOLS = List.of("mqtt", "mqttv3.1");
    private static final int BAD_REQUEST = 400;
    private static final int UPGRADE_REQUIRED = 426;
    private static final int SERVICE_UNAVAILABLE = 503;

    private final Broker broker;

    UpgradeCheck(Broker broker) {
        this.broker = broker;
    }

    @Override
    public Uni<CheckResult> perform(HttpUpgradeContext context) {
        var request = context.httpRequest();
        if (broker.isDraining())
            return CheckResult.rejectUpgrade(SERVICE_UNAVAILABLE, Map.of("Retry-After", List.of("1")));
        if (!"13".equals(request.getHeader("Sec-WebSocket-Version")))
            return CheckResult.rejectUpgrade(UPGRADE_REQUIRED, Map.of("Sec-WebSocket-Version", List.of("13")));
        if (!has(request, "Connection", "upgrade") || !has(request, "Upgrade", "websocket"))
            return CheckResult.rejectUpgrade(BAD_REQUEST);
        // [MQTT-6.0.0-3]
        if (!offersMqtt(request))
            return CheckResult.rejectUpgrade(
                    BAD_REQUEST, Map.of("Sec-WebSocket-Protocol", List.of(String.join(", ", SUB_PROTOCOLS))));
        var frames = new WebSocketFrames(request);
        var pipeline = ((HttpServerConnection) request.connection()).channel().pipeline();
        pipeline.addBefore(pipeline.context(HttpRequestDecoder.class).name(), "mqtt", frames);
        context.userData().put(FRAMES, frames);
        return CheckResult.permitUpgrade();
    }

    private static boolean offersMqtt(HttpServerRequest request) {
        return request.headers().getAll("Sec-WebSocket-Protocol").stream()
                .flatMap(offer -> Arrays.stream(offer.split(",")))
                .map(String::strip)
                .anyMatch(SUB_PROTOCOLS::contains);
    }

    private static boolean has(HttpServerRequest request, String header, String token) {
        return request.headers().getAll(header).stream()
                .flatMap(value -> Arrays.stream(value.split(",")))
                .anyMatch(value -> value.strip().equalsIgnoreCase(token));
    }
}
