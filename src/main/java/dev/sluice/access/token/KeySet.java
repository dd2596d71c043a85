package dev.sluice.access.token;

import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.TokenConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Owns the keys of one issuer. One virtual thread reads them again before they are old, and at once, but not too often, when a token names a
 * key that is not known; only such tokens wait. Any virtual thread may ask.
 */
final class KeySet {
    private static final Logger LOG = Logger.getLogger(KeySet.class);
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);
    /** What a token without a key id may have to be checked with. */
    private static final int MOST_CANDIDATES = 16;

    private final String issuer;
    private final KeySource source;
    private final boolean secrets;
    private final TokenConfig config;
    private final LongSupplier clock;
    private final Repeating reading;
    private final ThrottledLog log = new ThrottledLog(LOG);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition wanted = lock.newCondition();
    private final Condition ended = lock.newCondition();
    /** Whether somebody waits for the next read. Guarded by the lock, as all below. */
    private boolean isWanted;
    /** Whether a read is under way. */
    private boolean isReading;
    /** When somebody wanted a read last, the JVM's nanoseconds; null before the first. */
    private Long wantedAt;
    /** Reads that have ended. */
    private long reads;

    /** Null before the first read that went well. */
    private volatile Read latest;

    /**
     * What a read has found.
     *
     * @param begunAt the JVM's nanoseconds
     */
    private record Read(List<JWK> keys, long begunAt) {}

    /**
     * @param secrets whether symmetric keys count
     * @param clock the JVM's nanoseconds
     */
    KeySet(String issuer, KeySource source, boolean secrets, TokenConfig config, LongSupplier clock) {
        this.issuer = issuer;
        this.source = source;
        this.secrets = secrets;
        this.config = config;
        this.clock = clock;
        this.reading = Repeating.onVirtualThread("sluice-token-keys-" + issuer);
    }

    void start() {
        isReading = true; // so that whoever comes first waits for that read, and asks for none
        reading.start(() -> {
            awaitNeed(read() ? config.keysRefresh() : shorter(config.keysRefresh(), AFTER_FAILURE));
            return Duration.ZERO;
        });
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    void stop() {
        reading.stop();
        reading.interrupt();
    }

    private void awaitNeed(Duration pause) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            for (var nanos = pause.toNanos(); !isWanted && nanos > 0; ) nanos = wanted.awaitNanos(nanos);
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether it went well. */
    private boolean read() throws InterruptedException {
        var begunAt = beginRead();
        try {
            latest = new Read(KeyText.read(source.read(), secrets), begunAt);
            return true;
        } catch (IOException failed) {
            log.warn("the keys of issuer " + issuer + " cannot be read from " + source + ": " + failed.getMessage()
                    + (isOld(latest) ? "; its tokens are refused" : "; those that are known serve on"));
            return false;
        } finally {
            endRead();
        }
    }

    private long beginRead() {
        lock.lock();
        try {
            isWanted = false;
            isReading = true;
            return clock.getAsLong();
        } finally {
            lock.unlock();
        }
    }

    private void endRead() {
        lock.lock();
        try {
            isReading = false;
            reads++;
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Seconds since the keys were read; NaN before. */
    double age() {
        var read = latest;
        return read == null ? Double.NaN : (clock.getAsLong() - read.begunAt) / 1e9;
    }

    /**
     * The keys that a token of this header may be signed with, at least one.
     *
     * @throws TokenRefused if there is none, or if that is not known now
     */
    List<JWK> find(JWSHeader header) throws TokenRefused {
        var askedAt = clock.getAsLong();
        var known = keys(latest, header);
        // The first time perhaps for one that was under way.
        for (int i = 0; i < 2 && known.isEmpty(); i++) {
            awaitRead(askedAt);
            known = keys(latest, header);
        }
        if (known.isEmpty()) throw unknown(latest, header, askedAt);
        if (known.size() > MOST_CANDIDATES)
            throw TokenRefused.bad("it names no key, and " + known.size() + " keys of issuer " + issuer + " fit");
        return known;
    }

    private TokenRefused unknown(Read read, JWSHeader header, long askedAt) {
        if (isOld(read)) return TokenRefused.notNow("the keys of issuer " + issuer + " cannot be read from " + source);
        // A key that was made since the last read may not be known yet: that is no reason to send a client away for
        // good.
        if (read.begunAt - askedAt < 0)
            return TokenRefused.notNow("issuer " + issuer + " had no such key when its keys were read last, and "
                    + source + " is not asked again so soon");
        return TokenRefused.bad("issuer " + issuer + " has no such key for " + header.getAlgorithm());
    }

    private List<JWK> keys(Read read, JWSHeader header) {
        if (isOld(read)) return List.of();
        // By key type, so that no public key becomes a secret; by key id, use and algorithm where the key has them.
        var named = JWKMatcher.forJWSHeader(header);
        var unnamed = JWKMatcher.forJWSHeader(
                new JWSHeader.Builder(header).keyID(null).build());
        return read.keys.stream()
                .filter(it -> (it.getKeyID() == null ? unnamed : named).matches(it))
                .toList();
    }

    private boolean isOld(Read read) {
        return read == null
                || clock.getAsLong() - read.begunAt > config.keysOutage().toNanos();
    }

    private boolean isSince(long time) {
        return latest != null && latest.begunAt - time >= 0;
    }

    /** Waits for a read that began since, or, if it is too early for one more, for the one that is under way, if there is one. */
    private void awaitRead(long since) throws TokenRefused {
        lock.lock();
        try {
            if (isSince(since)) return;
            var now = clock.getAsLong();
            var isTooEarly = wantedAt != null
                    && now - wantedAt < config.unknownKeyInterval().toNanos();
            var mayAsk = !isTooEarly && !(isReading && isOld(latest));
            if (!mayAsk && !isReading && !isWanted) return;
            // The one that is under way may have begun too early.
            var end = reads + (isReading && (mayAsk || isWanted) ? 2 : 1);
            if (mayAsk) {
                wantedAt = now;
                isWanted = true;
                wanted.signal();
            }
            for (var nanos = 2 * config.fetchTimeout().toNanos(); reads < end && nanos > 0; ) {
                if (isSince(since)) return;
                nanos = ended.awaitNanos(nanos);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw TokenRefused.notNow("interrupted");
        } finally {
            lock.unlock();
        }
    }
}
