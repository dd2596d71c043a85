package dev.sluice.endpoint;

import dev.sluice.access.Peer;
import dev.sluice.config.AccessConfig;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.HttpServerConnection;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Finds out who is at the other end of a socket: from the socket, and from what trusted proxies say, each believed about the one in front of
 * it and nothing else. Called on the channel's event loop.
 */
@ApplicationScoped
class Peers {
    private static final String BEARER = "Bearer ";

    private final Proxies proxies;
    private final TlsFiles files;
    private final boolean header;
    private final Optional<String> cookie;
    private final Optional<String> parameter;

    Peers(Proxies proxies, TlsFiles files, AccessConfig config) {
        this.proxies = proxies;
        this.files = files;
        this.header = config.authorizationHeader();
        this.cookie = config.cookie();
        this.parameter = config.queryParameter();
    }

    /**
     * Who asks for an upgrade. With a header of the PROXY protocol, the socket's end is a proxy that passes on bytes: the request is its
     * client's, and so is TLS.
     *
     * @throws IllegalArgumentException for a certificate of a trusted proxy that cannot be read; the sentence begins with a verb
     */
    Peer of(HttpServerRequest request) {
        var sender = sender(request);
        if (sender.isUnknown || sender.address == null || !proxies.areTrusted(sender.address.getAddress())) {
            proxies.ignore(request.headers(), sender.address);
            return peer(request, sender, sender.inetAddress(), sender.tls, sender.certificates, sender.commonName);
        }
        var client = proxies.client(request.headers());
        var address = client == null || client.address() == null ? sender.inetAddress() : client.address();
        var isTls = client == null ? sender.tls : client.tls();
        if (proxies.handOnCertificates())
            return peer(request, sender, address, isTls, proxies.certificates(request.headers()), null);
        return client == null
                ? peer(request, sender, address, isTls, sender.certificates, sender.commonName)
                : peer(request, sender, address, isTls, List.of(), null); // the certificate is the proxy's own
    }

    /**
     * Who has sent a request, as far as its connection tells.
     *
     * @param address null for somebody on this machine without one
     * @param end of the socket: the sender's, or that of a proxy which speaks the PROXY protocol
     * @param isUnknown whether it is a proxy that does not say whose request it passes on, if not its own
     */
    private record Sender(
            InetSocketAddress address,
            InetSocketAddress end,
            boolean tls,
            List<X509Certificate> certificates,
            String commonName,
            boolean isUnknown) {
        InetAddress inetAddress() {
            return address == null ? null : address.getAddress();
        }
    }

    private Sender sender(HttpServerRequest request) {
        var channel = ((HttpServerConnection) request.connection()).channel();
        var end = channel.remoteAddress() instanceof InetSocketAddress address ? address : null;
        var own = ofSession(channel.pipeline().get(SslHandler.class));
        var place = AcceptedSocket.of(channel);
        var proxied = place == null ? null : place.proxied();
        if (proxied == null) return new Sender(end, end, request.isSSL(), own, null, false);
        var address = proxied.address() == null ? end : new InetSocketAddress(proxied.address(), proxied.port());
        // A proxy that ends its client's TLS may have a certificate of its own for the gateway.
        var passesOnTls = !proxied.tls()
                && proxied.commonName() == null
                && proxied.certificates().isEmpty();
        var certificates = passesOnTls ? own : proxied.certificates();
        return new Sender(
                address,
                end,
                request.isSSL() || proxied.tls(),
                certificates,
                certificates.isEmpty() ? proxied.commonName() : null,
                proxied.address() == null);
    }

    private Peer peer(
            HttpServerRequest request,
            Sender sender,
            InetAddress client,
            boolean isTls,
            List<X509Certificate> certificates,
            String commonName) {
        var address = client == null ? null : client.getHostAddress();
        return new Peer(
                address, text(sender, client), isTls, certificates, commonName, authorization(request), request.path());
    }

    /** The first that there is of those that are configured; null for none. */
    private String authorization(HttpServerRequest request) {
        var given = header ? request.getHeader("Authorization") : null;
        if (given != null) return given;
        var ofCookie = cookie.map(request::getCookie).orElse(null);
        if (ofCookie != null) return BEARER + ofCookie.getValue();
        return parameter.map(request.params()::get).map(BEARER::concat).orElse(null);
    }

    /** {@code 203.0.113.7 via 10.0.0.2:4711}, or what is shorter where some of it is not known. */
    private static String text(Sender sender, InetAddress client) {
        if (sender.address == null) return "a local socket";
        var isSender = client.equals(sender.inetAddress());
        var own = isSender ? client.getHostAddress() + ":" + sender.address.getPort() : client.getHostAddress();
        return isSender && sender.address.equals(sender.end)
                ? own
                : own + " via " + sender.end.getAddress().getHostAddress() + ":" + sender.end.getPort();
    }

    /** One that is resumed may have been verified when others were trusted. */
    private List<X509Certificate> ofSession(SslHandler tls) {
        if (tls == null) return List.of();
        try {
            var session = tls.engine().getSession();
            var chain = Arrays.stream(session.getPeerCertificates())
                    .map(X509Certificate.class::cast)
                    .toArray(X509Certificate[]::new);
            return files.trusts(chain, session.getCreationTime()) ? List.of(chain) : List.of();
        } catch (SSLPeerUnverifiedException _) {
            return List.of();
        }
    }
}
