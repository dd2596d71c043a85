package dev.sluice.broker;

import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/**
 * Due wills of a client whose session was opened again: they are told to subscribers before its CONNACK, and get to Kafka before what it
 * publishes. Otherwise who watches it would see it leave after it has come back. The {@link WillPublisher} notes progress on its thread;
 * any thread may ask.
 */
final class WillsAhead {
    /** The publisher's. */
    private final Set<Long> untold;

    /** The publisher's. */
    private final Set<Long> unpublished;

    private long toldAt;
    private final CompletableFuture<Void> told = new CompletableFuture<>();
    private volatile boolean published;
    private final BooleanSupplier abandoned;

    /**
     * @param ids of the rows of the wills
     * @param abandoned whether nobody waits for them any more
     */
    WillsAhead(Collection<Long> ids, BooleanSupplier abandoned) {
        this.abandoned = abandoned;
        untold = new HashSet<>(ids);
        unpublished = new HashSet<>(ids);
        check();
    }

    /** Of a client that has none. */
    static WillsAhead none() {
        return new WillsAhead(List.of(), () -> false);
    }

    /** Waits until subscribers have them all, and those are kept that are to be; false if that takes longer than this. */
    boolean awaitTold(Duration within) {
        return Waiting.until(told, within);
    }

    /** Whether Kafka has them, too, or will never get them. */
    boolean arePublished() {
        return published;
    }

    boolean isAbandoned() {
        return abandoned.getAsBoolean();
    }

    Set<Long> untold() {
        return untold;
    }

    Set<Long> unpublished() {
        return unpublished;
    }

    void told(long id) {
        untold.remove(id);
        check();
    }

    /** Published, or never to be. */
    void published(long id) {
        untold.remove(id);
        unpublished.remove(id);
        check();
    }

    boolean areTold() {
        return untold.isEmpty();
    }

    /** Whether it has waited for Kafka alone for that long, with Kafka there: then it does so no longer. */
    boolean hasWaited(Duration patience, long kafkaAwayAt, long now) {
        if (!untold.isEmpty() || now - Math.max(toldAt, kafkaAwayAt) < patience.toNanos()) return false;
        unpublished.clear();
        check();
        return true;
    }

    private void check() {
        if (untold.isEmpty() && told.complete(null)) toldAt = System.nanoTime();
        published = unpublished.isEmpty();
    }
}
