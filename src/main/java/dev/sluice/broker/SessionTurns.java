package dev.sluice.broker;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The order in which one client's sessions are opened and closed in this gateway: that of its CONNECTs and of the ends of its
 * connections, whatever threads they are on. Any thread may use it.
 *
 * <pre>
 *   close A     own ----end()----> over
 *                                   | before of the next
 *   open B      own ----end()----> over      over = own and before: an open that gives up waiting (end() without
 *                                   |        {@link Turn#await}) still does not let later ones overtake close A
 *   open C      own ----end()----> over --> nothing is kept of the client
 * </pre>
 */
final class SessionTurns {
    private final Map<String, Turn> last = new ConcurrentHashMap<>();
    private final Map<String, Turn> held = new ConcurrentHashMap<>();
    private final Map<String, Turn> closing = new ConcurrentHashMap<>();

    /** Takes the place behind every open and close of the client that is still under way. */
    Turn take(String clientId) {
        var turn = last.compute(clientId, (_, before) -> new Turn(clientId, before));
        turn.over.thenRun(() -> last.remove(clientId, turn));
        return turn;
    }

    /** The turn of an open whose connection takes the session now: if it gives it up at once, that is part of the turn. */
    void hold(Turn turn) {
        held.put(turn.clientId, turn);
    }

    /** The turn for a close: that of the open which is {@link #hold held}, so that no later one comes between. */
    Turn takeToClose(String clientId) {
        var open = held.remove(clientId);
        var turn = open == null ? take(clientId) : open;
        closing.put(clientId, turn);
        turn.own.thenRun(() -> closing.remove(clientId, turn));
        return turn;
    }

    /** Ends the turn of an open that is held, unless it was taken to close. */
    void release(Turn turn) {
        if (held.remove(turn.clientId, turn)) turn.end();
    }

    /** Completed once the closes of the client that are under way are over: its writes keep their order, so that the last one ends last. */
    CompletableFuture<Void> closed(String clientId) {
        var turn = closing.get(clientId);
        return turn == null ? CompletableFuture.completedFuture(null) : turn.own;
    }

    /** Completed once all opens and closes of the client that are under way are over. */
    CompletableFuture<Void> over(String clientId) {
        var turn = last.get(clientId);
        return turn == null ? CompletableFuture.completedFuture(null) : turn.over;
    }

    /** Clients with an open or a close under way. */
    int clients() {
        return last.size();
    }

    /** One open or close. Whoever takes it has to {@link #end} it. */
    static final class Turn {
        private final String clientId;
        private final CompletableFuture<Void> before;
        private final CompletableFuture<Void> own = new CompletableFuture<>();
        /** Completes after all earlier turns, even if this one did not wait for them. */
        private final CompletableFuture<Void> over;

        private Turn(String clientId, Turn before) {
            this.clientId = clientId;
            this.before = before == null ? CompletableFuture.completedFuture(null) : before.over;
            this.over = own.thenCombine(this.before, (_, _) -> null);
        }

        /** Waits until all earlier turns are over; false if that takes longer than this. */
        boolean await(Duration within) {
            return Waiting.until(before, within);
        }

        void end() {
            own.complete(null);
        }
    }
}
