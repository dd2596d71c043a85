package dev.sluice.broker.routing;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Owns the set of subscribers that did not acknowledge a message in time. Nobody waits for one of them again until it acknowledges
 * something or reconnects.
 * Any thread may use it.
 */
public final class NotAcknowledging {
    /** With more than these, all are forgotten, and waited for once more. */
    private static final int MOST = 10_000;

    private static final long OFFLINE = 0;

    /** The epoch of the connection that did not acknowledge. */
    private final Map<SubscriberKey, Long> epochs = new ConcurrentHashMap<>();

    /** False if it is in the set already. */
    boolean add(Match match) {
        if (epochs.size() >= MOST) epochs.clear();
        var epoch = epoch(match);
        var before = epochs.put(SubscriberKey.of(match), epoch);
        return before == null || before != epoch;
    }

    void remove(Match match) {
        if (!epochs.isEmpty()) epochs.remove(SubscriberKey.of(match));
    }

    boolean contains(Match match) {
        if (epochs.isEmpty()) return false;
        var epoch = epochs.get(SubscriberKey.of(match));
        return epoch != null && epoch == epoch(match);
    }

    private static long epoch(Match match) {
        var recipient = match.subscriber().recipient();
        return recipient == null ? OFFLINE : recipient.epoch();
    }
}
