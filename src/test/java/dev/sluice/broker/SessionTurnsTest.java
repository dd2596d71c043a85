package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SessionTurnsTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final SessionTurns turns = new SessionTurns();

    @Test
    void whoComesFirstNeedNotWait() {
        assertThat(turns.take("c").await(Duration.ZERO)).isTrue();
    }

    @Test
    void otherClientsAreNotWaitedFor() {
        turns.take("other");
        assertThat(turns.take("c").await(Duration.ZERO)).isTrue();
    }

    @Test
    void whoComesLaterWaitsUntilAllEarlierOnesAreOver() {
        var close = turns.take("c");
        var open = turns.take("c");
        var late = turns.take("c");
        assertThat(open.await(Duration.ZERO)).isFalse();
        open.end(); // it has given up waiting
        assertThat(late.await(Duration.ofMillis(1))).isFalse();
        close.end();
        assertThat(late.await(Duration.ZERO)).isTrue();
    }

    /** The client has said all that it had to say, good-bye included, before its session was opened. */
    @Test
    void aCloseThatAnOpenBringsAlongComesBeforeTheNextOpen() {
        var open = turns.take("c");
        var next = turns.take("c");
        turns.hold(open);
        var close = turns.takeToClose("c");
        turns.release(open);
        assertThat(next.await(Duration.ofMillis(1))).isFalse();
        close.end();
        assertThat(next.await(Duration.ZERO)).isTrue();
    }

    @Test
    void anOpenThatBringsNoCloseIsOverWhenItIsReleased() {
        var open = turns.take("c");
        var next = turns.take("c");
        turns.hold(open);
        turns.release(open);
        assertThat(next.await(Duration.ZERO)).isTrue();
        var close = turns.takeToClose("c");
        assertThat(close.await(Duration.ofMillis(1))).as("behind the next open").isFalse();
        next.end();
        assertThat(close.await(Duration.ZERO)).isTrue();
    }

    @Test
    void aTurnEndsOnlyOnce() {
        var open = turns.take("c");
        open.end();
        open.end();
        assertThat(turns.take("c").await(Duration.ZERO)).isTrue();
    }

    @Test
    void nothingIsKeptOfTurnsThatAreOver() {
        var one = turns.take("c");
        var two = turns.take("c");
        one.end();
        assertThat(turns.clients()).isEqualTo(1);
        two.end();
        assertThat(turns.clients()).isZero();
    }

    @Test
    void threadsTakeTheirTurnsInOrder() throws InterruptedException, ExecutionException {
        var order = Collections.synchronizedList(new ArrayList<Integer>());
        var first = turns.take("c");
        var waiting = new ArrayList<Future<Boolean>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                var number = i;
                var turn = turns.take("c");
                waiting.add(threads.submit(() -> {
                    var came = turn.await(LONG);
                    order.add(number);
                    turn.end();
                    return came;
                }));
            }
            first.end();
            for (var one : waiting) assertThat(one.get()).isTrue();
        }
        List<Integer> expected = IntStream.range(0, 200).boxed().toList();
        assertThat(order).isEqualTo(expected);
        assertThat(turns.clients()).isZero();
    }

    /** Whoever asks at another gateway waits for what is being written, and not for what is being opened. */
    @Test
    void closesUnderWayAreKnown() {
        assertThat(turns.closed("c")).isDone();
        var close = turns.takeToClose("c");
        var open = turns.take("c");
        var closed = turns.closed("c");
        var over = turns.over("c");
        assertThat(closed).isNotDone();
        close.end();
        assertThat(closed).isDone();
        assertThat(turns.closed("c")).isDone();
        assertThat(over).isNotDone();
        open.end();
        assertThat(over).isDone();
        assertThat(turns.over("c")).isDone();
    }
}
