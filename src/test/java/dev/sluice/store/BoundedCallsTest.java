package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BoundedCallsTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final BoundedCalls calls = new BoundedCalls("test-call", 2);

    @Test
    void noMoreRunAtATimeThanAllowed() throws Exception {
        var now = new AtomicInteger();
        var most = new AtomicInteger();
        var two = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = IntStream.range(0, 100)
                    .mapToObj(i -> threads.submit(() -> calls.call(LONG, () -> {
                        most.accumulateAndGet(now.incrementAndGet(), Math::max);
                        two.await(60, TimeUnit.SECONDS);
                        now.decrementAndGet();
                        return i;
                    })))
                    .toList();
            for (int i = 0; i < 100; i++) assertThat(answers.get(i).get()).isEqualTo(i);
        }
        assertThat(most.get()).isEqualTo(2);
    }

    @Test
    void aCallThatIsLateIsInterruptedAndTheNextOneIsNot() throws Exception {
        var interrupted = new CountDownLatch(1);
        assertThatThrownBy(() -> calls.call(Duration.ofMillis(50), () -> {
                    try {
                        return new CountDownLatch(1).await(60, TimeUnit.SECONDS);
                    } catch (InterruptedException end) {
                        interrupted.countDown();
                        throw end;
                    }
                }))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("no answer within PT0.05S");
        assertThat(interrupted.await(60, TimeUnit.SECONDS)).isTrue();
        for (int i = 0; i < 4; i++)
            assertThat(calls.call(LONG, () -> Thread.currentThread().isInterrupted()))
                    .isFalse();
    }

    @Test
    void whoGivesUpWaitingIsNotCalledAndCostsTheOthersNothing() throws Exception {
        var release = new CountDownLatch(1);
        var called = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var begun = new CountDownLatch(2);
            var busy = IntStream.range(0, 2)
                    .mapToObj(_ -> threads.submit(() -> calls.call(LONG, () -> {
                        begun.countDown();
                        return release.await(60, TimeUnit.SECONDS);
                    })))
                    .toList();
            begun.await();
            var late = IntStream.range(0, 20_000)
                    .mapToObj(_ -> threads.submit(() -> calls.call(Duration.ofMillis(200), called::incrementAndGet)))
                    .toList();
            await().until(() -> late.stream().allMatch(Future::isDone));
            assertThat(late.stream().map(one -> one.exceptionNow().getMessage()))
                    .allMatch(why -> why.contains("no turn within PT0.2S"));
            release.countDown();
            for (var one : busy) assertThat(one.get()).isTrue();
            assertThat(calls.call(LONG, () -> "next")).isEqualTo("next");
            assertThat(called.get()).isZero();
        }
    }

    @Test
    void callsComeInOrderAndOneTooManyIsRefusedAtOnce() throws Exception {
        var bounded = new BoundedCalls("test-call", 1, 3);
        var release = new CountDownLatch(1);
        var called = Collections.synchronizedList(new ArrayList<Integer>());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var begun = new CountDownLatch(1);
            var first = threads.submit(() -> bounded.call(LONG, () -> {
                begun.countDown();
                return release.await(60, TimeUnit.SECONDS);
            }));
            begun.await();
            var others = new ArrayList<Future<Boolean>>();
            for (int n = 1; n <= 3; n++) {
                var number = n;
                others.add(threads.submit(() -> bounded.call(LONG, () -> called.add(number))));
                await().until(() -> bounded.waiting() == number);
            }

            assertThatThrownBy(() -> bounded.call(LONG, () -> called.add(4)))
                    .isInstanceOf(RejectedExecutionException.class)
                    .hasMessageContaining("3 others wait");

            release.countDown();
            assertThat(first.get()).isTrue();
            for (var one : others) one.get();
        }
        assertThat(called).containsExactly(1, 2, 3);
        assertThat(bounded.waiting()).isZero();
    }
}
