package dev.sluice.endpoint;

import dev.sluice.access.Peer;
import dev.sluice.broker.Broker;
import dev.sluice.broker.Departures;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.TlsConfig;
import dev.sluice.config.TlsConfig.ClientCertificate;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerConnection;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Decides who may upgrade to a WebSocket (RFC 6455, section 4.2). Called on the channel's event loop. */
@ApplicationScoped
class UpgradeCheck {
    static final String SUB_PROTOCOL = "Sec-WebSocket-Protocol";

    /** The best one first [MQTT-6.0.0-4]; {@code mqttv3.1} is what old libraries call themselves. */
    private static final List<String> SUB_PROTOCOLS = List.of("mqtt", "mqttv3.1");

    private static final int KEY_BYTES = 16;
    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int UPGRADE_REQUIRED = 426;
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int SERVICE_UNAVAILABLE = 503;
    /** Seconds. */
    private static final int LATEST_RETRY = 5;

    private final Broker broker;
    private final Departures departures;
    private final Sockets sockets;
    private final Peers peers;
    private final Proxies proxies;
    private final Origins origins;
    private final boolean needsCertificate;

    UpgradeCheck(
            Broker broker,
            Departures departures,
            Sockets sockets,
            Peers peers,
            Proxies proxies,
            MqttConfig config,
            TlsConfig tls) {
        this.broker = broker;
        this.departures = departures;
        this.sockets = sockets;
        this.peers = peers;
        this.proxies = proxies;
        this.needsCertificate = tls.clientCertificate() == ClientCertificate.REQUIRED;
        this.origins = new Origins(config.allowedOrigins().orElse(List.of()));
    }

    /** Whether a request may be upgraded. */
    sealed interface Answer {}

    /** It may; it counts for its client's address from now on. */
    record Welcome(Peer peer) implements Answer {}

    /** The answer to a request that is not upgraded; its header and value are null for none. */
    record Refusal(int status, String header, String value) implements Answer {
        Refusal(int status) {
            this(status, null, null);
        }
    }

    Answer answer(HttpServerRequest request) {
        var mistake = mistake(request);
        if (mistake != null) return mistake;
        if (isDraining() || broker.refusesNow() || sockets.isInReserve())
            return new Refusal(SERVICE_UNAVAILABLE, "Retry-After", retryAfter());
        try {
            return answer(request, peers.of(request));
        } catch (IllegalArgumentException wrong) {
            proxies.wrongCertificate(request.remoteAddress(), wrong);
            return new Refusal(BAD_REQUEST);
        }
    }

    private boolean isDraining() {
        if (!departures.isDraining()) return false;
        sockets.refusedInDrain();
        return true;
    }

    /** Not the same for all: who is refused at once is not to come back at once. */
    private static String retryAfter() {
        return Integer.toString(ThreadLocalRandom.current().nextInt(1, LATEST_RETRY + 1));
    }

    /** The answer to a request that is no opening handshake, null if it is one. */
    private static Refusal mistake(HttpServerRequest request) {
        if (request.method() != HttpMethod.GET) return new Refusal(METHOD_NOT_ALLOWED, "Allow", "GET");
        if (request.version() != HttpVersion.HTTP_1_1 || hasBody(request) || !isUri(request.uri()))
            return new Refusal(BAD_REQUEST);
        if (!"13".equals(request.getHeader("Sec-WebSocket-Version")))
            return new Refusal(UPGRADE_REQUIRED, "Sec-WebSocket-Version", "13");
        if (!has(request, "Connection", "upgrade") || !has(request, "Upgrade", "websocket") || !hasKey(request))
            return new Refusal(BAD_REQUEST);
        if (subProtocol(request) == null) // [MQTT-6.0.0-3]
        return new Refusal(BAD_REQUEST, SUB_PROTOCOL, String.join(", ", SUB_PROTOCOLS));
        return null;
    }

    /** To an opening handshake of a client that may not connect, or not now, as well. */
    private Answer answer(HttpServerRequest request, Peer peer) {
        var stranger = origins.stranger(request);
        if (stranger != null) {
            sockets.refusedOrigin(stranger, peer.socketAddress());
            return new Refusal(FORBIDDEN);
        }
        if (needsCertificate && !peer.hasCertificate()) {
            sockets.withoutCertificate(peer.socketAddress());
            return new Refusal(FORBIDDEN);
        }
        if (peer.address() != null && !socket(request).comesFrom(InetAddress.ofLiteral(peer.address())))
            return new Refusal(TOO_MANY_REQUESTS);
        return new Welcome(peer);
    }

    private AcceptedSocket socket(HttpServerRequest request) {
        return sockets.of(((HttpServerConnection) request.connection()).channel());
    }

    static boolean hasBody(HttpServerRequest request) {
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
    static String subProtocol(HttpServerRequest request) {
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
