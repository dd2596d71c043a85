package dev.sluice.endpoint;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.TlsConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.tls.TlsConfiguration;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;
import org.jboss.logging.Logger;

/**
 * Owns what the TLS server shows and whom it trusts, and the thread that reads both again when their files change. Any thread may ask.
 *
 * <p>Quarkus' own reload makes TLS anew, and sockets that are accepted meanwhile have none and are closed. Here, the server keeps its TLS,
 * which asks for {@link #keys} and {@link #trust} in each handshake; a session that is resumed has none, and is held against
 * {@link #trusts}.
 */
@ApplicationScoped
class TlsFiles {
    private final Optional<TlsConfiguration> tls;
    private final Duration interval;
    private final Vertx vertx;
    private final MeterRegistry meters;
    private final ThrottledLog complaints = new ThrottledLog(Logger.getLogger(TlsFiles.class));
    private final Repeating watch = Repeating.onVirtualThread("sluice-tls-files");
    private Counter failures;
    /** What was read last; the watch's own once that has begun. */
    private List<Certificate> read;

    private volatile X509ExtendedKeyManager keys;
    private volatile X509TrustManager trust;
    private volatile long changedAt;

    TlsFiles(
            TlsConfigurationRegistry registry,
            VertxHttpConfig http,
            TlsConfig config,
            Vertx vertx,
            MeterRegistry meters) {
        this.tls = http.tlsConfigurationName().flatMap(registry::get).filter(it -> it.getKeyStore() != null);
        this.interval = config.reloadInterval();
        this.vertx = vertx;
        this.meters = meters;
    }

    /** @throws IllegalStateException for a key that is not that of its certificate */
    void start(@Observes StartupEvent event) {
        tls.ifPresent(this::watch);
    }

    void stop(@Observes ShutdownEvent event) {
        watch.stop();
    }

    private void watch(TlsConfiguration tls) {
        read = certificates(tls);
        if (!take(tls))
            throw new IllegalStateException(
                    "quarkus.tls." + tls.getName() + ".key-store: the key is not that of the certificate");
        Gauge.builder("sluice.tls.certificate.expires", this, TlsFiles::secondsLeft)
                .description("Time until the certificate runs out that clients are shown over TLS")
                .baseUnit("seconds")
                .register(meters);
        failures = Counter.builder("sluice.tls.reload.failures")
                .description(
                        "Times that key, certificate or trust store could not be read, so that earlier ones stay in force")
                .register(meters);
        watch.every(interval, () -> look(tls));
    }

    /** Whether devices are served over TLS. */
    boolean areThere() {
        return tls.isPresent();
    }

    /** Whether clients' certificates are judged. */
    boolean haveTrust() {
        return tls.isPresent() && tls.get().getTrustStoreOptions() != null;
    }

    X509ExtendedKeyManager keys() {
        return keys;
    }

    X509TrustManager trust() {
        return trust;
    }

    /** Whether certificates that were verified then, in milliseconds since 1970, would be verified now. */
    boolean trusts(X509Certificate[] chain, long then) {
        if (then > changedAt) return true;
        try {
            trust.checkClientTrusted(chain, chain[0].getPublicKey().getAlgorithm());
            return true;
        } catch (CertificateException _) {
            return false;
        }
    }

    private void look(TlsConfiguration tls) {
        if (!tls.reload()) {
            failed(tls);
            return;
        }
        var certificates = certificates(tls);
        if (certificates.equals(read)) return;
        if (take(tls)) read = certificates;
        else failed(tls);
    }

    private void failed(TlsConfiguration tls) {
        failures.increment();
        complaints.error("the files of quarkus.tls." + tls.getName()
                + " cannot be used together: key, certificate and trust store stay in force that were there before");
    }

    /** Whether what was read can be used, and is from now on. */
    private boolean take(TlsConfiguration tls) {
        try {
            var keys = only(
                    X509ExtendedKeyManager.class,
                    tls.getKeyStoreOptions().getKeyManagerFactory(vertx).getKeyManagers());
            var trust = tls.getTrustStoreOptions() == null
                    ? null
                    : only(
                            X509TrustManager.class,
                            tls.getTrustStoreOptions()
                                    .getTrustManagerFactory(vertx)
                                    .getTrustManagers());
            if (!KeyMatch.isIn(keys)) return false;
            this.keys = keys;
            this.trust = trust;
            changedAt = System.currentTimeMillis();
            return true;
        } catch (Exception unusable) { // the library says no more
            complaints.warn("quarkus.tls." + tls.getName() + ": " + unusable);
            return false;
        }
    }

    private static <T> T only(Class<T> type, Object[] managers) {
        return Arrays.stream(managers)
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow();
    }

    /** Those shown and those trusted. A key does not change without its certificate. */
    private static List<Certificate> certificates(TlsConfiguration tls) {
        var all = new ArrayList<Certificate>();
        add(tls.getKeyStore(), all);
        all.add(null);
        add(tls.getTrustStore(), all);
        return all;
    }

    private static void add(KeyStore store, List<Certificate> all) {
        if (store == null) return;
        try {
            for (var alias : Collections.list(store.aliases())) {
                var chain = store.getCertificateChain(alias);
                if (chain == null) all.add(store.getCertificate(alias));
                else all.addAll(Arrays.asList(chain));
            }
        } catch (KeyStoreException e) {
            throw new IllegalStateException("the store was loaded", e);
        }
    }

    /** Of the certificate in force that runs out first. */
    private double secondsLeft() {
        var left = Double.NaN;
        for (var algorithm : List.of("EC", "RSA", "EdDSA")) {
            var aliases = keys.getServerAliases(algorithm, null);
            if (aliases == null) continue;
            for (var alias : aliases)
                for (var certificate : keys.getCertificateChain(alias)) left = least(left, certificate);
        }
        return left;
    }

    private static double least(double left, X509Certificate certificate) {
        var own = Duration.between(Instant.now(), certificate.getNotAfter().toInstant())
                .toSeconds();
        return Double.isNaN(left) ? own : Math.min(left, own);
    }
}
