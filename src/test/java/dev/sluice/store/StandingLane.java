package dev.sluice.store;

import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite.Accept;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A journal of one lane that stands still in the completion of a write, so that whatever comes after it waits; any thread may release it. */
public final class StandingLane {
    private final CompletableFuture<Void> released = new CompletableFuture<>();

    /** Returns once the lane stands: what is submitted after it is in no batch yet. */
    public static StandingLane of(Journal journal) {
        var lane = new StandingLane();
        var stands = new CompletableFuture<Void>();
        var write = Accept.unfenced("other", Messages.message("other", "x"), List.of(), true, _ -> {
            stands.complete(null);
            lane.released.join();
        });
        if (!journal.submit(write)) throw new AssertionError("the lane is full");
        stands.join();
        return lane;
    }

    /** Also if it is released already. */
    public void release() {
        released.complete(null);
    }
}
