package dev.sluice.access;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.TlsConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.CRL;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Knows which certificates are revoked: owns the lists of {@code sluice.tls.revocation-lists}, and the thread that reads them again when
 * they change. Any thread may ask. The lists are the operator's files, so that their signatures are not looked at.
 */
@ApplicationScoped
public class Revocations {
    private static final String KEY = "sluice.tls.revocation-lists";
    private static final Logger LOG = Logger.getLogger(Revocations.class);

    private final List<Path> files;
    private final Duration interval;
    private final Event<RevocationsChanged> changed;
    private final Counter failures;
    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private final Repeating watch = Repeating.onVirtualThread("sluice-revocations");
    /** What each file held when it was read last; the watch's own. */
    private final Map<Path, byte[]> read = new HashMap<>();

    private final Map<Path, Collection<? extends CRL>> parsed = new HashMap<>();
    private volatile List<X509CRL> lists = List.of();

    Revocations(TlsConfig config, Event<RevocationsChanged> changed, MeterRegistry meters) {
        this.files = config.revocationLists().orElse(List.of());
        this.interval = config.revocationReload();
        this.changed = changed;
        this.failures = Counter.builder("sluice.revocation.failures")
                .description(
                        "Times that a certificate revocation list could not be read, so that an earlier one stays in force")
                .register(meters);
    }

    /** @throws IllegalStateException for a file that cannot be read */
    void start(@Observes StartupEvent event) {
        if (files.isEmpty()) return;
        try {
            for (var file : files) read(file);
        } catch (IOException | GeneralSecurityException unreadable) {
            throw new IllegalStateException(KEY + ": cannot read a list: " + unreadable, unreadable);
        }
        publish();
        watch.every(interval, this::look);
    }

    void stop(@Observes ShutdownEvent event) {
        watch.stop();
    }

    /** Whether one of a chain of certificates is revoked by its issuer. */
    public boolean contain(List<X509Certificate> chain) {
        for (var list : lists) for (var certificate : chain) if (list.isRevoked(certificate)) return true;
        return false;
    }

    private void look() {
        var isNew = false;
        for (var file : files) {
            try {
                isNew |= read(file);
            } catch (IOException | GeneralSecurityException unreadable) {
                failures.increment();
                complaints.error(KEY + ": cannot read " + file
                        + ", so that the list stays in force that it held before: " + unreadable);
            }
        }
        if (isNew) publish();
        for (var list : lists) complainIfOld(list);
    }

    /** Whether it holds something else than before. */
    private boolean read(Path file) throws IOException, GeneralSecurityException {
        var bytes = Files.readAllBytes(file);
        if (Arrays.equals(bytes, read.get(file))) return false;
        var found = CertificateFactory.getInstance("X.509").generateCRLs(new ByteArrayInputStream(bytes));
        if (found.isEmpty()) throw new GeneralSecurityException(file + " holds no certificate revocation list");
        parsed.put(file, found);
        read.put(file, bytes);
        return true;
    }

    private void publish() {
        var all = new ArrayList<X509CRL>();
        for (var found : parsed.values()) for (var list : found) all.add((X509CRL) list);
        lists = List.copyOf(all);
        LOG.infof("%d certificate revocation lists are in force", all.size());
        changed.fire(new RevocationsChanged());
    }

    private void complainIfOld(X509CRL list) {
        if (list.getNextUpdate() != null && list.getNextUpdate().toInstant().isBefore(Instant.now()))
            complaints.warn(KEY + ": the list of " + list.getIssuerX500Principal() + " should have been replaced by "
                    + list.getNextUpdate().toInstant() + "; it stays in force");
    }
}
