package dev.sluice.broker;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The order in which one client's sessions are opened and closed in this gateway: that of its CONNECTs and of the ends of its
 * connections, whatever threads they are on. Any thread may use it.
 */
final class SessionTurns {
    private final Map<String, Turn> last = new ConcurrentHashMap<>();

    /** Takes the place behind every open and close of the client that is not over. */
    Turn take(String clientId) {
        var turn = last.compute(clientId, (_, before) -> new Turn(clientId, before));
        turn.over.thenRun(() -> last.remove(clientId, turn));
        return turn;
    }

    /** Clients of which an open or a close is not over. */
    int clients() {
        return last.size();
    }

    /** One open or close. Who takes it has to {@link #end} it. */
    static final class Turn {
        private final String clientId;
        private final CompletableFuture<Void> before;
        private final CompletableFuture<Void> own = new CompletableFuture<>();
        /** Not before those that were there first, even if this one has not waited for them. */
        private final CompletableFuture<Void> over;

        private Turn(String clientId, Turn before) {
            this.clientId = clientId;
            this.before = before == null ? CompletableFuture.completedFuture(null) : before.over;
            this.over = own.thenCombine(this.before, (_, _) -> null);
        }

        /** Waits until those that were there first are over; false if they are not within this time. */
        boolean await(Duration within) {
            try {
                before.get(within.toNanos(), TimeUnit.NANOSECONDS);
                return true;
            } catch (TimeoutException _) {
                return false;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return false;
            } catch (ExecutionException impossible) {
                throw new IllegalStateException("the turn of client " + clientId, impossible);
            }
        }

        void end() {
            own.complete(null);
        }
    }
}
