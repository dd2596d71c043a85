package dev.sluice.endpoint;

import dev.sluice.access.Peer;
import dev.sluice.config.AccessConfig;
import io.vertx.core.http.HttpServerRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;

/** Says who is at the other end of an upgrade: of the request, only what is configured is kept. Called on the channel's event loop. */
@ApplicationScoped
class Peers {
    private static final String BEARER = "Bearer ";

    private final boolean header;
    private final Optional<String> cookie;
    private final Optional<String> parameter;

    Peers(AccessConfig config) {
        this.header = config.authorizationHeader();
        this.cookie = config.cookie();
        this.parameter = config.queryParameter();
    }

    Peer of(HttpServerRequest request) {
        var remote = request.remoteAddress();
        return new Peer(
                remote.hostAddress(),
                String.valueOf(remote),
                request.isSSL(),
                certificates(request),
                authorization(request),
                request.path());
    }

    private static List<X509Certificate> certificates(HttpServerRequest request) {
        try {
            var chain = request.isSSL() ? request.sslSession().getPeerCertificates() : new Certificate[0];
            return Arrays.stream(chain).map(X509Certificate.class::cast).toList();
        } catch (SSLPeerUnverifiedException _) {
            return List.of(); // it has none
        }
    }

    /** The first that there is of those that are configured; null for none. */
    private String authorization(HttpServerRequest request) {
        var given = header ? request.getHeader("Authorization") : null;
        if (given != null) return given;
        var ofCookie = cookie.map(request::getCookie).orElse(null);
        if (ofCookie != null) return BEARER + ofCookie.getValue();
        return parameter.map(request.params()::get).map(BEARER::concat).orElse(null);
    }
}
