package dev.sluice.access.credential;

import dev.sluice.config.PasswordConfig;
import dev.sluice.store.credential.StoredCredential;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Owns what is known of passwords that were verified a short time ago: a keyed digest of each, whose key nobody else has. Bounded in number
 * and time. Any thread may use it.
 */
@ApplicationScoped
public class VerifiedPasswords {
    private static final String HMAC = "HmacSHA256";

    private final Map<String, Verified> byName = new LinkedHashMap<>(16, 0.75f, true);
    private final SecretKeySpec key;
    private final long time;
    private final int size;
    private final Counter hits;
    private long changes;

    private record Verified(byte[] digest, StoredCredential credential, long at) {}

    VerifiedPasswords(PasswordConfig config, MeterRegistry meters) {
        var random = new byte[32];
        new SecureRandom().nextBytes(random);
        key = new SecretKeySpec(random, HMAC);
        time = config.cacheTime().toNanos();
        size = config.cacheSize();
        hits = Counter.builder("sluice.access.verified.hits")
                .description("Passwords that were verified a short time ago, and not hashed again")
                .register(meters);
        Gauge.builder("sluice.access.verified", this, VerifiedPasswords::size)
                .description("Verified passwords that are known")
                .register(meters);
    }

    /** How many credentials have changed until now, for {@link #keep}. */
    synchronized long changes() {
        return changes;
    }

    /** The credential that this password was verified for; null if it was not, or not lately. */
    StoredCredential find(String username, byte[] password) {
        Verified known;
        synchronized (this) {
            known = byName.get(username);
            if (known != null && System.nanoTime() - known.at >= time) {
                byName.remove(username);
                known = null;
            }
        }
        if (known == null || !MessageDigest.isEqual(known.digest, digest(username, password))) return null;
        hits.increment();
        return known.credential;
    }

    /**
     * Keeps a password that was verified.
     *
     * @param since what {@link #changes} was before the credential was read; a change since then may be of this one
     */
    void keep(StoredCredential credential, byte[] password, long since) {
        if (size <= 0 || time <= 0) return;
        var digest = digest(credential.username(), password);
        synchronized (this) {
            if (changes != since) return;
            byName.put(credential.username(), new Verified(digest, credential, System.nanoTime()));
            if (byName.size() > size) byName.remove(byName.keySet().iterator().next());
        }
    }

    /** Their credentials have changed. */
    synchronized void forget(Set<String> usernames) {
        changes++;
        usernames.forEach(byName::remove);
    }

    private synchronized int size() {
        return byName.size();
    }

    private byte[] digest(String username, byte[] password) {
        try {
            var mac = Mac.getInstance(HMAC);
            mac.init(key);
            mac.update(username.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0); // no user name has it
            return mac.doFinal(password);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }
}
