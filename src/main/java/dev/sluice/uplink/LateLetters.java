package dev.sluice.uplink;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Dead letters of one connection's records that Kafka has refused late, and that the producer had no room for. Confined to the
 * connection's event loop.
 */
final class LateLetters<T> {
    private static final int RETRY_MILLIS = 20;

    private final Executor loop;
    private final Predicate<T> offer;
    private final Consumer<T> giveUp;
    private final Queue<T> waiting = new ArrayDeque<>(1);
    private boolean closed;

    /**
     * @param offer hands a letter over; false if there is no room for it now
     * @param giveUp fails a letter for now
     */
    LateLetters(Executor loop, Predicate<T> offer, Consumer<T> giveUp) {
        this.loop = loop;
        this.offer = offer;
        this.giveUp = giveUp;
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    void add(T letter) {
        if (closed) {
            giveUp.accept(letter);
        } else if (!waiting.isEmpty() || !offer.test(letter)) {
            waiting.add(letter);
            if (waiting.size() == 1) retryLater();
        }
    }

    /** The connection may wait for nothing but these letters, and does not know of them. */
    private void retryLater() {
        CompletableFuture.delayedExecutor(RETRY_MILLIS, TimeUnit.MILLISECONDS, loop)
                .execute(() -> {
                    while (!waiting.isEmpty() && offer.test(waiting.peek())) waiting.remove();
                    if (!waiting.isEmpty()) retryLater();
                });
    }

    void close() {
        closed = true;
        waiting.forEach(giveUp);
        waiting.clear();
    }
}
