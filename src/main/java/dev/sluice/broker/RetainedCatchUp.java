package dev.sluice.broker;

import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.topic.NameIndex.Place;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Owns what a {@link RetainedTransfer} reads once it has read all that was retained when its subscription began: topics of which the client has
 * missed newer messages since. If these were too many to be noted, all topics are gone through once more, for what is newer than then;
 * then come those that were noted. What is missed after that is missed as without a transfer: so it ends, however fast messages come.
 * Confined to the connection's event loop.
 */
final class RetainedCatchUp {
    /** Names that the event loop looks at in one turn. */
    private static final int STEPS = 512;

    /** So long may a message that has its stamp be on its way to the event loop. */
    static final Duration SETTLING = Duration.ofSeconds(1);

    private static final long NONE = Long.MAX_VALUE;

    private final RetainedTopics topics;
    private final MissedTopics missed;
    private final TopicFilter filter;
    private long again = NONE;
    private long settledAt;
    private boolean begun;
    /** Where all topics are gone through again; null once that is done. */
    private Place place;
    /** Found, and not read yet. */
    private final Set<TopicName> found = new LinkedHashSet<>();
    /** Of those that were noted, what is left; null before it is their turn. */
    private MissedTopics left;

    /** @param missed by the client, of any filter */
    RetainedCatchUp(RetainedTopics topics, MissedTopics missed, TopicFilter filter) {
        this.topics = topics;
        this.missed = missed;
        this.filter = filter;
    }

    /** From now on newer messages are left to this, not noted: what the client got as it came has a stamp up to this one. */
    void again(long stamp) {
        if (begun || stamp == NONE) return;
        again = Math.min(again, stamp);
        settledAt = System.nanoTime() + SETTLING.toNanos();
    }

    /** Whether messages up to that stamp may still come: they are noted as well, and it does not begin before. */
    boolean isSettling() {
        return !begun && again < NONE && System.nanoTime() - settledAt < 0;
    }

    /** The stamp above which it goes through all topics again; the highest there is if it need not. */
    long again() {
        return again;
    }

    /** Whether it is going to read whatever is newer from now on, of all topics that are known. */
    boolean goesThroughAll() {
        return !begun && again < NONE && !isSettling();
    }

    /** Whether it can be made to go through all topics again, and has not been. */
    boolean canGoAgain() {
        return !begun && again == NONE;
    }

    /** Until then, whatever is missed has to be noted, or gone through again. */
    boolean hasBegun() {
        return begun;
    }

    /** Whether what is missed now can still be read. */
    boolean isOpen() {
        return left == null;
    }

    /** Looks for topics; false if there are no more. True does not say that it has found one. */
    boolean look() {
        if (!begun && again < NONE) place = Place.START;
        begun = true;
        if (!found.isEmpty()) return true;
        if (place != null) {
            var some = topics.find(filter, place, RetainedTransfer.PAGE_TOPICS, STEPS);
            found.addAll(some.names());
            place = some.next();
            return true;
        }
        if (left == null) left = missed.take(filter);
        found.addAll(left.take(RetainedTransfer.PAGE_TOPICS));
        return !found.isEmpty();
    }

    /** What is to be read. */
    List<TopicName> found() {
        return List.copyOf(found);
    }

    /** Messages with a later stamp are wanted. */
    long above() {
        return left == null ? again : Long.MIN_VALUE;
    }

    void read(List<TopicName> names) {
        names.forEach(found::remove);
    }

    /** Whether a message of this topic is going to be read: the client need not get it as it comes. */
    boolean isAhead(TopicName name) {
        if (!begun) return again < NONE && topics.contains(name);
        if (found.contains(name) || left != null && left.contains(name)) return true;
        return place != null && place.precedes(name) && topics.contains(name);
    }

    /** Notes again what it has not read, for others. */
    void drop() {
        var all = new ArrayList<>(found);
        if (left != null) all.addAll(left.take(Integer.MAX_VALUE));
        found.clear();
        all.forEach(missed::add);
    }
}
