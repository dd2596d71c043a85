package dev.sluice.endpoint;

import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which web pages may connect (RFC 6455, section 10.2): those of the gateway's own host, and those of a list. A browser lets any page open a
 * WebSocket to anywhere and says in {@code Origin} whose page it is; other clients send no such header. Immutable.
 */
final class Origins {
    private static final String ANY = "*";
    /** What browsers, and apps that are made of pages, say of a page without an origin, such as a file. */
    private static final Set<String> NONE = Set.of("null", "file://");

    private static final Set<String> THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

    private final Set<String> allowed;

    /** @throws IllegalArgumentException for an entry that no browser would send */
    Origins(List<String> allowed) {
        this.allowed = allowed.stream().map(Origins::checked).collect(Collectors.toUnmodifiableSet());
    }

    private static String checked(String origin) {
        if (origin.equals(ANY) || NONE.contains(origin)) return origin;
        if (!origin.matches("[A-Za-z][A-Za-z0-9+.-]*://[^/?#@\\s]+"))
            throw new IllegalArgumentException("sluice.mqtt.allowed-origins: \"" + origin
                    + "\" is not an origin: write scheme://host or scheme://host:port, without a path, or *");
        return origin.toLowerCase(Locale.ROOT);
    }

    /** The origin in the request that may not connect, null if there is none. */
    String stranger(HttpServerRequest request) {
        var own = own(request);
        for (var origin : request.headers().getAll("Origin")) if (!isAllowed(origin, own)) return origin;
        return null;
    }

    /** On loopback, a name that is not this machine's own may be a page's that leads its name here in the browser. */
    private static String own(HttpServerRequest request) {
        if (request.authority() == null) return null;
        var host = request.authority().host();
        var isLoopback = request.localAddress() != null
                && request.localAddress().hostAddress() != null
                && InetAddress.ofLiteral(request.localAddress().hostAddress()).isLoopbackAddress();
        return isLoopback && !THIS_MACHINE.contains(host.toLowerCase(Locale.ROOT)) ? null : host;
    }

    /** @param own the host that the client takes the gateway for, null if it does not say */
    boolean isAllowed(String origin, String own) {
        if (allowed.contains(ANY) || allowed.contains(origin.toLowerCase(Locale.ROOT))) return true;
        try {
            var host = URI.create(origin).getHost();
            return own != null && host != null && host.equalsIgnoreCase(own);
        } catch (IllegalArgumentException _) {
            return false;
        }
    }
}
