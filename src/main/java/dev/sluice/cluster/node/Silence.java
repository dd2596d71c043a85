package dev.sluice.cluster.node;

import dev.sluice.store.node.Burial.Sign;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Owns since when other gateways have given no new sign of life, by the clock of this JVM: PostgreSQL's may be put forward, and all leases were
 * over at once, or back, and one that is dead had a lease for as long. Confined to one thread.
 *
 * <p>Who renews its lease gives another sign each time. So one that has been here for a lease is of a gateway whose lease is over by its own
 * clock, too: it began before the sign was here.
 */
final class Silence {
    private final long lease;
    private Map<Sign, Long> since = Map.of();

    Silence(Duration lease) {
        this.lease = lease.toNanos();
    }

    /**
     * Takes in what signs there are.
     *
     * @param asked when PostgreSQL was asked for them, and
     * @param answered when they were here, in the JVM's nanoseconds
     * @return those that have been here for a lease
     */
    List<Sign> hear(List<Sign> signs, long asked, long answered) {
        var heard = new HashMap<Sign, Long>();
        for (var sign : signs) heard.put(sign, since.getOrDefault(sign, answered));
        since = heard;
        return signs.stream().filter(sign -> asked - heard.get(sign) >= lease).toList();
    }
}
