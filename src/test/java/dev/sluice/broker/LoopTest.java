package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.Test;

class LoopTest {
    private final ArrayDeque<Runnable> scheduled = new ArrayDeque<>();

    private final ScheduledExecutorService thread = (ScheduledExecutorService) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {ScheduledExecutorService.class}, (_, method, arguments) -> {
                if (method.getName().equals("schedule")) scheduled.add((Runnable) arguments[0]);
                return null;
            });

    @Test
    void whatEndsARetryDoesNotEndAllLaterOnes() {
        new Loop(thread).paused(null); // which cannot be resumed
        assertThatThrownBy(() -> scheduled.remove().run()).isInstanceOf(NullPointerException.class);
        assertThat(scheduled).as("the next retry").hasSize(1);
    }
}
