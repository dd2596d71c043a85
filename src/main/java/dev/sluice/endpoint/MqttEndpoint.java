package dev.sluice.endpoint;

import dev.sluice.access.Peer;
import dev.sluice.broker.Broker;
import dev.sluice.config.MqttConfig;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import org.jboss.logging.Logger;

/**
 * The paths that devices connect to, and the upgrade of their requests to WebSockets (RFC 6455, section 4.2); everything after that is
 * {@link WebSocketFrames}. It also tells each socket which of its requests are being answered. Called on the channel's event loop.
 *
 * <p>Vert.x's own WebSockets are not used: of them only the upgrade would be needed, which is a few headers. No extension is agreed to,
 * since the frames speak none.
 */
@ApplicationScoped
class MqttEndpoint {
    /** Told to those behind, with a name that no proxy uses for its clients. */
    private static final String PROXIED = "X-Forwarded-By-Proxy-Protocol";

    private static final Logger LOG = Logger.getLogger(MqttEndpoint.class);

    private static final String KEY = "Sec-WebSocket-Key";
    /** Proves that the server speaks WebSocket (section 1.3). */
    private static final String ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private static final int BAD_REQUEST = 400;
    /** Before every other route. */
    private static final int FIRST = Integer.MIN_VALUE;
    /** Behind Quarkus' bound for bodies, and before all that answers. */
    private static final int EARLY = -1;

    private final Broker broker;
    private final MqttConfig config;
    private final Sockets sockets;
    private final UpgradeCheck check;
    private final CertifiedSockets certified;
    private final WriteBufferWaterMark waterMark;

    MqttEndpoint(Broker broker, MqttConfig config, Sockets sockets, UpgradeCheck check, CertifiedSockets certified) {
        this.broker = broker;
        this.config = config;
        this.sockets = sockets;
        this.check = check;
        this.certified = certified;
        this.waterMark = new WriteBufferWaterMark(config.sendBuffer() / 4, config.sendBuffer() / 2);
    }

    void register(@Observes Router router) {
        router.route().order(FIRST).handler(this::tellSocket);
        for (var path : config.paths()) {
            if (!path.startsWith("/"))
                throw new IllegalArgumentException("sluice.mqtt.paths: \"" + path + "\" does not begin with /");
            router.route(path).order(EARLY).handler(this::asked);
        }
    }

    /** An upgrade is answered with a WebSocket, and not before that is open. */
    private void tellSocket(RoutingContext context) {
        var request = context.request();
        var connection = (HttpServerConnection) request.connection();
        var socket = sockets.of(connection.channel());
        // Admin trusts this machine, but not what a proxy on it passes on.
        if (socket.proxied() != null)
            request.headers().set(PROXIED, socket.proxied().name());
        if (request.getHeader(KEY) == null) {
            socket.asked(request);
            var loop = connection.channel().eventLoop(); // REST answers on threads of its own
            context.addEndHandler(_ -> loop.execute(() -> socket.answered(request)));
        }
        context.next();
    }

    private void asked(RoutingContext context) {
        var request = context.request();
        if (request.getHeader(KEY) != null) upgrade(request);
        else if (request.getHeader("Upgrade") != null) context.fail(BAD_REQUEST);
        else context.next();
    }

    private void upgrade(HttpServerRequest request) {
        switch (check.answer(request)) {
            case UpgradeCheck.Welcome welcome -> open(request, welcome.peer());
            case UpgradeCheck.Refusal refusal -> refuse(request, refusal);
        }
    }

    private static void refuse(HttpServerRequest request, UpgradeCheck.Refusal refusal) {
        var response = request.response().setStatusCode(refusal.status());
        if (refusal.header() != null) response.putHeader(refusal.header(), refusal.value());
        // A body is not wanted, and would have to be read before the next request.
        if (UpgradeCheck.hasBody(request))
            response.endHandler(_ -> request.connection().close());
        response.end();
    }

    private void open(HttpServerRequest request, Peer peer) {
        var channel = ((HttpServerConnection) request.connection()).channel();
        var frames = new WebSocketFrames(sockets.of(channel), peer.socketAddress());
        // Behind the decoder, which hands on what has come behind the request when it leaves the channel.
        var decoder = channel.pipeline().context(HttpRequestDecoder.class);
        channel.pipeline().addAfter(decoder.name(), "mqtt", frames);
        var connection = broker.connect(channel.eventLoop(), frames, peer);
        frames.open(connection);
        if (!peer.certificates().isEmpty()) {
            certified.opened(connection, peer);
            channel.closeFuture().addListener(_ -> certified.closed(connection));
        }
        channel.config().setWriteBufferWaterMark(waterMark);
        request.response()
                .putHeader("Upgrade", "websocket")
                .putHeader("Connection", "Upgrade")
                .putHeader("Sec-WebSocket-Accept", accept(request.getHeader(KEY)))
                .putHeader(UpgradeCheck.SUB_PROTOCOL, UpgradeCheck.subProtocol(request));
        var socket = request.toNetSocket(); // at once, on the channel's event loop
        if (!socket.succeeded()) throw new IllegalStateException("the upgrade has failed", socket.cause());
        socket.result().exceptionHandler(failure -> LOG.debugf(failure, "socket of %s", peer.socketAddress()));
        request.headers().clear();
        frames.upgraded();
    }

    private static String accept(String key) {
        try {
            var sha1 = MessageDigest.getInstance("SHA-1");
            var digest = sha1.digest((key.strip() + ACCEPT_SUFFIX).getBytes(StandardCharsets.ISO_8859_1));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-1", e);
        }
    }
}
