package dev.sluice.broker;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** How an open waits for what other threads complete, on its own virtual thread. Stateless. */
final class Waiting {
    private Waiting() {}

    /** False if that takes longer than this, or if the thread is interrupted. */
    static boolean until(CompletableFuture<Void> done, Duration within) {
        try {
            done.get(within.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException _) {
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("nobody lets it fail", impossible);
        }
    }
}
