package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.StoreUnavailable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class StoreThreadsTest {
    private Object end(Runnable reading) throws Exception {
        var end = new CompletableFuture<Object>();
        StoreThreads.read("c", reading, () -> end.complete("away"), end::complete);
        return end.get(60, TimeUnit.SECONDS);
    }

    @Test
    void whoeverWaitsHearsOfEachFailure() throws Exception {
        assertThat(end(() -> {
                    throw new StoreUnavailable("a test", null);
                }))
                .isEqualTo("away");
        var bug = new IllegalStateException("a test");
        assertThat(end(() -> {
                    throw bug;
                }))
                .isSameAs(bug);
        var error = new NoClassDefFoundError("a test");
        assertThat(end(() -> {
                    throw error;
                }))
                .isSameAs(error);
    }
}
