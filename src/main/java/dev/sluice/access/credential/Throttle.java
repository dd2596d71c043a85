package dev.sluice.access.credential;

import dev.sluice.config.PasswordConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Slows down whoever guesses passwords, by address and by name, and nobody who is right: an address that has not failed is judged at once,
 * whatever others do to the name, and no address is shut out for good, since a right client may share it. Its tables are bounded. Any
 * virtual thread may call, and waits.
 */
@ApplicationScoped
public class Throttle {
    static final long REFUSED = -1;
    /** Above, a further doubling would be longer than any bound. */
    private static final int MOST_DOUBLINGS = 20;
    /** The part of an IPv6 address that one customer has. */
    private static final int NETWORK_GROUPS = 4;

    private static final int LONGEST_KEY = 64;

    private final PasswordConfig config;
    private final LongSupplier clock;
    private final FailureCounts addresses;
    private final FailureCounts names;
    private final FailureCounts pairs;
    /** Address and name of those who were right; the one that was used longest ago goes first. */
    private final Map<String, Boolean> right;
    /** How many attempts of an address are delayed. */
    private final Map<String, Integer> delayed = new HashMap<>();

    private int delayedInAll;
    private final Counter delays;

    @Inject
    Throttle(PasswordConfig config, MeterRegistry meters) {
        this(config, meters, System::nanoTime);
    }

    Throttle(PasswordConfig config, MeterRegistry meters, LongSupplier clock) {
        this.config = config;
        this.clock = clock;
        var halfLife = Math.max(1, config.forgetTime().toNanos());
        addresses = new FailureCounts(config.remembered(), halfLife);
        names = new FailureCounts(config.remembered(), halfLife);
        pairs = new FailureCounts(config.remembered(), halfLife);
        right = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
                return size() > config.remembered();
            }
        });
        Gauge.builder("sluice.access.throttled", this, Throttle::delayedInAll)
                .description("Attempts to log in that are delayed, because their address has failed")
                .register(meters);
        delays = Counter.builder("sluice.access.delays")
                .description("Attempts to log in that were delayed, because their address had failed")
                .register(meters);
    }

    /**
     * Waits as long as this attempt has to.
     *
     * @return nanoseconds that it has waited; {@link #REFUSED} if too many wait already
     */
    long admit(String address, String name) throws InterruptedException {
        var from = network(address);
        var nanos = delay(from, name);
        if (nanos == 0) return 0;
        if (!enter(from)) return REFUSED;
        try {
            delays.increment();
            Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
            return nanos;
        } finally {
            leave(from);
        }
    }

    /** Whether an attempt would have to wait for longer by now than it has: others from its address have failed meanwhile. */
    boolean isHeldBack(String address, String name, long waited) {
        return delay(network(address), name) > waited;
    }

    /** Nanoseconds before an attempt may be judged. */
    long delay(String network, String username) {
        var name = key(username);
        var now = clock.getAsLong();
        var ofAddress = addresses.of(network, now);
        if (Math.round(ofAddress) < 1) return 0;
        var pair = pair(network, name);
        if (right.containsKey(pair)) return delayOf(pairs.of(pair, now) - config.freeFailures());
        var isAttacked = names.of(name, now) >= config.nameFailures();
        return delayOf(ofAddress - (isAttacked ? 0 : config.freeFailures()));
    }

    private long delayOf(double tooMany) {
        if (Math.round(tooMany) < 1) return 0;
        var doublings = Math.min(MOST_DOUBLINGS, (int) Math.round(tooMany) - 1);
        return Math.min(config.delayMaximum().toNanos(), (long) (config.delay().toNanos() * Math.pow(2, doublings)));
    }

    private synchronized boolean enter(String network) {
        if (delayedInAll >= config.delayedMaximum() || delayed.getOrDefault(network, 0) >= config.delayedPerAddress())
            return false;
        delayedInAll++;
        delayed.merge(network, 1, Integer::sum);
        return true;
    }

    private synchronized void leave(String network) {
        delayedInAll--;
        delayed.computeIfPresent(network, (_, count) -> count == 1 ? null : count - 1);
    }

    private synchronized int delayedInAll() {
        return delayedInAll;
    }

    void failed(String address, String name) {
        var from = network(address);
        var now = clock.getAsLong();
        addresses.add(from, now);
        names.add(key(name), now);
        pairs.add(pair(from, key(name)), now);
    }

    void succeeded(String address, String name) {
        right.put(pair(network(address), key(name)), Boolean.TRUE);
    }

    /** A name as the tables have it: what a client sends may be long. */
    private static String key(String name) {
        if (name.length() <= LONGEST_KEY) return name;
        try {
            var digest = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException(missing);
        }
    }

    private static String pair(String network, String name) {
        return network + ' ' + name;
    }

    /**
     * Whom an address stands for: an IPv4 address itself, of an IPv6 address its first 64 bits.
     *
     * @param address null for that of a Unix socket
     */
    static String network(String address) {
        if (address == null) return "";
        if (address.indexOf(':') < 0) return address;
        try {
            var bytes = InetAddress.ofLiteral(address).getAddress();
            if (bytes.length == 4) return InetAddress.getByAddress(bytes).getHostAddress();
            var network = new StringBuilder();
            for (int i = 0; i < 2 * NETWORK_GROUPS; i++) network.append("%02x".formatted(bytes[i]));
            return network.toString();
        } catch (IllegalArgumentException | UnknownHostException _) {
            return address;
        }
    }
}
