package dev.sluice.endpoint;

import dev.sluice.broker.Broker;
import dev.sluice.config.MqttConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.quarkus.websockets.next.HttpUpgradeCheck;
import io.quarkus.websockets.next.UserData.TypedKey;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.net.SocketAddress;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * Decides who may upgrade to a WebSocket (RFC 6455, section 4.2), and puts the {@link WebSocketFrames} into the channel of who may. Called
 * on the channel's event loop.
 *
 * <p>It is stricter than Vert.x, which comes behind it: an upgrade that Vert.x refused would leave the frames' handler in a channel that
 * goes on with HTTP.
 */
@ApplicationScoped
class UpgradeCheck implements HttpUpgradeCheck {
    static final TypedKey<WebSocketFrames> FRAMES = new TypedKey<>("sluice.frames");

    private static final String SUB_PROTOCOL = "Sec-WebSocket-Protocol";
    /** The best one first [MQTT-6.0.0-4]; {@code mqttv3.1} is what old libraries call themselves. */
    private static final List<String> SUB_PROTOCOLS = List.of("mqtt", "mqttv3.1");

    private static final int KEY_BYTES = 16;
    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int UPGRADE_REQUIRED = 426;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVICE_UNAVAILABLE = 503;

    private final Broker broker;
    private final Sockets sockets;
    private final Origins origins;

    UpgradeCheck(Broker broker, Sockets sockets, MqttConfig config) {
        this.broker = broker;
        this.sockets = sockets;
        this.origins = new Origins(config.allowedOrigins().orElse(List.of()));
    }

    @Override
    public Uni<CheckResult> perform(HttpUpgradeContext context) {
        var request = context.httpRequest();
        var refusal = mistake(request);
        if (refusal == null) refusal = refusal(request);
        if (refusal == null) permit(request, context);
        else if (hasBody(request)) closeWithAnswer(request);
        return refusal == null ? CheckResult.permitUpgrade() : refusal;
    }

    /** The answer to a request that is no opening handshake, null if it is one. */
    private static Uni<CheckResult> mistake(HttpServerRequest request) {
        if (request.method() != HttpMethod.GET)
            return CheckResult.rejectUpgrade(METHOD_NOT_ALLOWED, Map.of("Allow", List.of("GET")));
        if (request.version() != HttpVersion.HTTP_1_1 || hasBody(request) || !isUri(request.uri()))
            return CheckResult.rejectUpgrade(BAD_REQUEST);
        if (!"13".equals(request.getHeader("Sec-WebSocket-Version")))
            return CheckResult.rejectUpgrade(UPGRADE_REQUIRED, Map.of("Sec-WebSocket-Version", List.of("13")));
        if (!has(request, "Connection", "upgrade") || !has(request, "Upgrade", "websocket") || !hasKey(request))
            return CheckResult.rejectUpgrade(BAD_REQUEST);
        if (subProtocol(request) == null) // [MQTT-6.0.0-3]
        return CheckResult.rejectUpgrade(BAD_REQUEST, Map.of(SUB_PROTOCOL, List.of(String.join(", ", SUB_PROTOCOLS))));
        return null;
    }

    /** The answer to an opening handshake of a client that may not connect, or not now; null if it may. */
    private Uni<CheckResult> refusal(HttpServerRequest request) {
        if (broker.isDraining() || sockets.isInReserve())
            return CheckResult.rejectUpgrade(SERVICE_UNAVAILABLE, Map.of("Retry-After", List.of("1")));
        var stranger = origins.stranger(request);
        if (stranger != null) {
            sockets.refusedOrigin(stranger, String.valueOf(request.remoteAddress()));
            return CheckResult.rejectUpgrade(FORBIDDEN);
        }
        var network = network(request.remoteAddress());
        if (network != null && !socket(request).comesFrom(network)) return CheckResult.rejectUpgrade(TOO_MANY_REQUESTS);
        return null;
    }

    private void permit(HttpServerRequest request, HttpUpgradeContext context) {
        // Vert.x and Netty look at the first line of a header only.
        request.headers().set("Connection", "Upgrade");
        request.headers().set(SUB_PROTOCOL, subProtocol(request));
        var frames = new WebSocketFrames(request, socket(request), String.valueOf(request.remoteAddress()));
        var pipeline = ((HttpServerConnection) request.connection()).channel().pipeline();
        pipeline.addBefore(pipeline.context(HttpRequestDecoder.class).name(), "mqtt", frames);
        context.userData().put(FRAMES, frames);
    }

    private AcceptedSocket socket(HttpServerRequest request) {
        return sockets.of(((HttpServerConnection) request.connection()).channel());
    }

    /** Null for a peer without an address, which is on this machine. */
    private static String network(SocketAddress peer) {
        var host = peer.hostAddress() != null ? peer.hostAddress() : peer.host();
        return host == null ? null : Sockets.network(host);
    }

    /** The body is not wanted, and would have to be read before the next request. */
    private static void closeWithAnswer(HttpServerRequest request) {
        request.response().endHandler(_ -> request.connection().close());
    }

    private static boolean hasBody(HttpServerRequest request) {
        var length = request.getHeader("Content-Length");
        return length != null && !length.equals("0") || request.headers().contains("Transfer-Encoding");
    }

    private static boolean isUri(String uri) {
        try {
            return new URI(uri).getPath() != null;
        } catch (URISyntaxException _) {
            return false;
        }
    }

    private static boolean hasKey(HttpServerRequest request) {
        var keys = request.headers().getAll("Sec-WebSocket-Key");
        try {
            return keys.size() == 1
                    && Base64.getDecoder().decode(keys.getFirst().strip()).length == KEY_BYTES;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    /** The best of those that the client offers, in whatever lines and order; null for none. */
    private static String subProtocol(HttpServerRequest request) {
        var offered = request.headers().getAll(SUB_PROTOCOL).stream()
                .flatMap(line -> Arrays.stream(line.split(",")))
                .map(String::strip)
                .toList();
        return SUB_PROTOCOLS.stream().filter(offered::contains).findFirst().orElse(null);
    }

    private static boolean has(HttpServerRequest request, String header, String token) {
        return request.headers().getAll(header).stream()
                .flatMap(line -> Arrays.stream(line.split(",")))
                .anyMatch(value -> value.strip().equalsIgnoreCase(token));
    }
}
