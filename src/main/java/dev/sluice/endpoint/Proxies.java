package dev.sluice.endpoint;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.ProxyConfig;
import dev.sluice.config.ProxyConfig.ForwardingHeader;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.vertx.core.MultiMap;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jboss.logging.Logger;

/** Knows which proxies are trusted, reads what they say of their clients, and counts what others say. Any thread may use it. */
@ApplicationScoped
class Proxies {
    private static final String FORWARDED = "Forwarded";
    private static final String FORWARDED_FOR = "X-Forwarded-For";
    private static final String FORWARDED_PROTO = "X-Forwarded-Proto";
    private static final String BELIEVED = "sluice.proxy.trusted";

    private final Networks trusted;
    private final ForwardingHeader forwarded;
    private final boolean protocol;
    private final String certificateHeader;
    private final MeterRegistry meters;
    private final ThrottledLog complaints = new ThrottledLog(Logger.getLogger(Proxies.class));

    @Inject
    Proxies(ProxyConfig config, VertxHttpConfig http, MeterRegistry meters) {
        this(config, meters);
        if (http.proxy().useProxyProtocol() || http.proxy().proxyAddressForwarding())
            throw new IllegalArgumentException(
                    "quarkus.http.proxy.* believes everybody; take it away, and set sluice.proxy.trusted, and"
                            + " sluice.proxy.protocol or sluice.proxy.forwarded");
    }

    Proxies(ProxyConfig config, MeterRegistry meters) {
        this.trusted = networks(config);
        this.forwarded = config.forwarded();
        this.protocol = config.protocol();
        this.certificateHeader = config.certificateHeader().orElse(null);
        this.meters = meters;
        if (trusted.isEmpty() && (protocol || certificateHeader != null || forwarded != ForwardingHeader.NONE))
            throw new IllegalArgumentException(BELIEVED
                    + " is empty, so that no proxy is believed; name the addresses of yours, or take away"
                    + " sluice.proxy.forwarded, sluice.proxy.protocol and sluice.proxy.certificate-header");
    }

    private static Networks networks(ProxyConfig config) {
        try {
            return new Networks(config.trusted().orElse(List.of()));
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(BELIEVED + ": " + wrong.getMessage(), wrong);
        }
    }

    /** Has the constructor complain at the start. */
    void start(@Observes StartupEvent event) {}

    boolean areTrusted(InetAddress address) {
        return trusted.contains(address);
    }

    boolean areTrusted(SocketAddress address) {
        return address instanceof InetSocketAddress socket && areTrusted(socket.getAddress());
    }

    /** Whether their connections begin with a header of the PROXY protocol. */
    boolean speakProxyProtocol() {
        return protocol;
    }

    /** Whether they hand on certificates in a header, so that a certificate of the connection itself is their own. */
    boolean handOnCertificates() {
        return certificateHeader != null;
    }

    /** The client of a trusted proxy, null if the proxy does not say. */
    ForwardedFor.Client client(MultiMap headers) {
        var way =
                switch (forwarded) {
                    case NONE -> List.<ForwardedFor.Station>of();
                    case FORWARDED -> ForwardedFor.ofElements(headers.getAll(FORWARDED));
                    case X_FORWARDED_FOR ->
                        ForwardedFor.ofList(headers.getAll(FORWARDED_FOR), isTls(headers.getAll(FORWARDED_PROTO)));
                };
        return ForwardedFor.client(way, trusted::contains);
    }

    private static boolean isTls(List<String> protocols) {
        return !protocols.isEmpty() && ForwardedFor.isTls(protocols.getLast().strip());
    }

    /**
     * The certificate that a trusted proxy hands on, empty for none.
     *
     * @throws IllegalArgumentException for a header that is none, or twice there: a proxy has to replace what its client sends
     */
    List<X509Certificate> certificates(MultiMap headers) {
        if (certificateHeader == null) return List.of();
        var lines = headers.getAll(certificateHeader);
        if (lines.isEmpty()) return List.of();
        if (lines.size() > 1) throw new IllegalArgumentException("is there more than once");
        var certificate = HandedCertificate.parse(lines.getFirst());
        return certificate == null ? List.of() : List.of(certificate);
    }

    /** Counts what somebody who is not trusted says of others. */
    void ignore(MultiMap headers, Object sender) {
        for (var name : new String[] {FORWARDED, FORWARDED_FOR, certificateHeader})
            if (name != null && headers.contains(name)) ignored(name, sender);
    }

    /** Counts a header of the PROXY protocol that nobody asked for. */
    void ignoreProtocol(Object sender) {
        ignored("PROXY", sender);
    }

    private void ignored(String header, Object sender) {
        Counter.builder("sluice.proxy.ignored")
                .description("Headers about a client from senders that are not trusted, by header")
                .tag("header", header)
                .register(meters)
                .increment();
        complaints.warn(() -> sender + " sends " + header + ", but is not in " + BELIEVED + "; it is not believed");
    }

    void wrongCertificate(Object sender, IllegalArgumentException why) {
        refused("certificate");
        complaints.warn(() -> "the header " + certificateHeader + " of " + sender + " " + why.getMessage());
    }

    void wrongProtocol(Object sender, Throwable why) {
        refused("protocol");
        complaints.warn(() -> "the connection of " + sender
                + " does not begin with a header of the PROXY protocol, as sluice.proxy.protocol asks: "
                + why.getMessage());
    }

    private void refused(String what) {
        Counter.builder("sluice.proxy.refused")
                .description("Connections of trusted proxies that were refused for what they say of their client")
                .tag("what", what)
                .register(meters)
                .increment();
    }
}
