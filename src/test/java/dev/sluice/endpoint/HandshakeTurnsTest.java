package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.DefaultEventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HandshakeTurnsTest {
    private static final int STEPS = 20;
    private static final long STEP = 3_000_000;

    private final DefaultEventLoop loop = new DefaultEventLoop();
    private final HandshakeTurns turns = new HandshakeTurns(loop);
    private final List<Integer> done = new CopyOnWriteArrayList<>();

    @AfterEach
    void end() {
        loop.shutdownGracefully();
    }

    @Test
    void oneIsTakenAtOnce() throws Exception {
        assertThat(onLoop(() -> turns.take(() -> step(0)))).isTrue();
        assertThat(done).containsExactly(0);
    }

    @Test
    void manyWaitInTheOrderInWhichTheyCame() throws Exception {
        comeAtOnce();
        await().until(() -> done.size() == STEPS);
        var inOrder = new ArrayList<Integer>();
        for (int i = 0; i < STEPS; i++) inOrder.add(i);
        assertThat(done).isEqualTo(inOrder);
    }

    @Test
    void whatTheLoopHasToDoBesideThemGoesFirst() throws Exception {
        var doneBefore = new CompletableFuture<Integer>();
        onLoop(() -> {
            comeNow();
            loop.execute(() -> doneBefore.complete(done.size()));
            return null;
        });
        assertThat(doneBefore.get()).isLessThan(STEPS / 2);
        await().until(() -> done.size() == STEPS);
    }

    @Test
    void theyHaveNoMoreThanTheirShareOfTheTime() throws Exception {
        var begun = System.nanoTime();
        comeAtOnce();
        await().until(() -> done.size() == STEPS);
        assertThat(System.nanoTime() - begun).isGreaterThan(3 * STEPS * STEP / 2);
    }

    @Test
    void afterOneThatFailsTheNextHasItsTurn() throws Exception {
        onLoop(() -> {
            turns.await(() -> {
                throw new IllegalStateException("this one fails");
            });
            turns.await(() -> step(1));
            return null;
        });
        await().until(() -> done.size() == 1);
    }

    private void comeAtOnce() throws Exception {
        onLoop(() -> {
            comeNow();
            return null;
        });
    }

    private void comeNow() {
        for (int i = 0; i < STEPS; i++) {
            var number = i;
            if (!turns.take(() -> step(number))) turns.await(() -> step(number));
        }
    }

    private void step(int number) {
        var end = System.nanoTime() + STEP;
        while (end - System.nanoTime() > 0) LockSupport.parkNanos(end - System.nanoTime());
        done.add(number);
    }

    private <T> T onLoop(Callable<T> task) throws Exception {
        return loop.submit(task).get();
    }
}
