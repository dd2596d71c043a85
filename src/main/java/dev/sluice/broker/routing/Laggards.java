package dev.sluice.broker.routing;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Owns who has not acknowledged what it was offered: until it acknowledges something, or connects anew, nobody waits for it again.
 * Any thread may use it.
 */
public final class Laggards {
    /** Above, all are forgotten, and waited for once more. */
    private static final int MOST = 10_000;

    private static final long OFFLINE = 0;

    /** The epoch of the connection that did not acknowledge. */
    private final Map<Addressee, Long> epochs = new ConcurrentHashMap<>();

    /** False if it was one already. */
    boolean add(Match match) {
        if (epochs.size() >= MOST) epochs.clear();
        var epoch = epoch(match);
        var before = epochs.put(Addressee.of(match), epoch);
        return before == null || before != epoch;
    }

    void remove(Match match) {
        if (!epochs.isEmpty()) epochs.remove(Addressee.of(match));
    }

    boolean contains(Match match) {
        if (epochs.isEmpty()) return false;
        var epoch = epochs.get(Addressee.of(match));
        return epoch != null && epoch == epoch(match);
    }

    private static long epoch(Match match) {
        var connection = match.subscriber().connection();
        return connection == null ? OFFLINE : connection.epoch();
    }
}
