package dev.sluice.admin;

import dev.sluice.config.AdminConfig;
import io.vertx.core.http.HttpServerRequest;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.Response;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Lets in who may administer: with a token, who knows it; without, who is on this machine. Called on event loops, before any resource;
 * made with the first request, as filters are built before the configuration is read.
 */
@ApplicationScoped
class Access {
    private static final String SCHEME = "bearer ";
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final List<String> OWN_NAMES = List.of("localhost", "127.0.0.1", "::1", "[::1]");
    private static final String SET_IT = "; set sluice.admin.token, and send it as Authorization: Bearer <token>";

    private final Optional<byte[]> token;

    Access(AdminConfig config) {
        token = config.token().map(it -> it.getBytes(StandardCharsets.UTF_8));
    }

    /** @return null to go on */
    @ServerRequestFilter(preMatching = true)
    Response check(ContainerRequestContext request, HttpServerRequest socket) {
        if (token.isPresent()) {
            var given = request.getHeaderString("Authorization");
            if (given == null || !given.toLowerCase(Locale.ROOT).startsWith(SCHEME))
                return Problem.of(UNAUTHORIZED, "this needs Authorization: Bearer <the token of sluice.admin.token>")
                        .response();
            var bytes = given.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8);
            return MessageDigest.isEqual(bytes, token.get())
                    ? null
                    : Problem.of(UNAUTHORIZED, "the token is not that of sluice.admin.token")
                            .response();
        }
        return stranger(request, socket)
                .map(why -> Problem.of(FORBIDDEN, why + SET_IT).response())
                .orElse(null);
    }

    /** Why a request may come from elsewhere; what a proxy on this machine passes on looks like one of this machine. */
    private static Optional<String> stranger(ContainerRequestContext request, HttpServerRequest socket) {
        if (!isLoopback(socket.remoteAddress().hostAddress()))
            return Optional.of("without a token, only requests of this machine are answered");
        for (var header : request.getHeaders().keySet()) {
            var name = header.toLowerCase(Locale.ROOT);
            if (name.equals("forwarded") || name.startsWith("x-forwarded-"))
                return Optional.of(
                        "without a token, no request is answered that a proxy has passed on (" + header + ")");
        }
        // A name that somebody else has led to this machine: a web page may ask for it in a browser that runs here.
        if (socket.authority() == null || !OWN_NAMES.contains(socket.authority().host()))
            return Optional.of("without a token, only requests for localhost, 127.0.0.1 or [::1] are answered");
        // A browser sends a request of any page, and only keeps the answer from it.
        var origin = request.getHeaderString("Origin");
        if (origin != null && !origin.endsWith("://" + socket.authority()))
            return Optional.of("without a token, no page of another site is answered (Origin)");
        return Optional.empty();
    }

    private static boolean isLoopback(String address) {
        if (address == null) return false;
        try {
            return InetAddress.getByName(address).isLoopbackAddress();
        } catch (UnknownHostException _) {
            return false;
        }
    }
}
