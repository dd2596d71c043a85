package dev.sluice.endpoint;

import dev.sluice.config.TlsConfig;
import dev.sluice.config.TlsConfig.ClientCertificate;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.TrustOptions;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Has the TLS server ask clients for certificates, since Quarkus' own key for that is read when the gateway is built, and ask
 * {@link TlsFiles} for its own. Called at the start.
 */
@ApplicationScoped
class TlsOptions implements HttpServerOptionsCustomizer {
    private final TlsConfig config;
    private final TlsFiles files;
    private final Proxies proxies;

    TlsOptions(TlsConfig config, TlsFiles files, Proxies proxies) {
        this.config = config;
        this.files = files;
        this.proxies = proxies;
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        if (!files.areThere()) return;
        if (config.clientCertificate() != ClientCertificate.NONE && !files.haveTrust())
            throw new IllegalArgumentException(
                    "sluice.tls.client-certificate: needs the trust store of the TLS"
                            + " configuration (quarkus.tls.<name>.trust-store), as else every public authority would be trusted");
        options.setKeyCertOptions(KeyCertOptions.wrap(new LiveTls.Keys(files::keys)));
        if (files.haveTrust()) options.setTrustOptions(TrustOptions.wrap(new LiveTls.Trust(files::trust)));
        options.setClientAuth(
                switch (config.clientCertificate()) {
                    case NONE -> ClientAuth.NONE;
                    case REQUEST -> ClientAuth.REQUEST;
                    // A proxy that hands on its clients' certificates needs none of its own; the upgrade looks at
                    // theirs.
                    case REQUIRED -> proxies.handOnCertificates() ? ClientAuth.REQUEST : ClientAuth.REQUIRED;
                });
    }
}
