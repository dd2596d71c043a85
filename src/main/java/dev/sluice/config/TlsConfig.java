package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What is asked of clients that come over TLS; the gateway's own key and certificate are those of {@code quarkus.tls.mqtt}. Read once at the start. */
@ConfigMapping(prefix = "sluice.tls")
public interface TlsConfig {
    /** Whether clients are asked for a certificate, and whether they need one. */
    @WithDefault("none")
    ClientCertificate clientCertificate();

    /** Interval at which the gateway's own key, certificate and trust store are read again; those who are connected stay. */
    @WithDefault("10s")
    Duration reloadInterval();

    /** Files with certificate revocation lists, PEM or DER. Default: none. */
    Optional<List<Path>> revocationLists();

    /** Interval at which these files are looked at; clients with a certificate that is revoked by then are disconnected. */
    @WithDefault("5s")
    Duration revocationReload();

    /** Time from the acceptance of a socket to the end of its TLS handshake, and of the PROXY protocol's header before it; then it is closed. */
    @WithDefault("5s")
    Duration handshakeTimeout();

    /** Whether clients show a certificate of their own. */
    enum ClientCertificate {
        /** They are not asked for one. */
        NONE,
        /** They are asked for one, and may have none. */
        REQUEST,
        /** Whoever has none, over whatever port or proxy, gets no WebSocket. */
        REQUIRED
    }
}
