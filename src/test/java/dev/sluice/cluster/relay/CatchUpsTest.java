package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who waits for the own mailbox, with marks that come back when the test says so. */
class CatchUpsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final List<Long> marks = new ArrayList<>();
    private final List<String> released = new ArrayList<>();

    private CatchUps catchUps(Duration patience) {
        var catchUps = new CatchUps(patience, new RelayMeters(registry));
        catchUps.begin(marks::add);
        return catchUps;
    }

    private double exceeded() {
        return registry.get("sluice.relay.catch.up.exceeded").counter().count();
    }

    @Test
    void whoComesWhileAMarkIsUnderWayWaitsForTheNextOne() {
        var catchUps = catchUps(Duration.ofMinutes(1));
        catchUps.await(() -> released.add("a"));
        catchUps.await(() -> released.add("b"));
        catchUps.await(() -> released.add("c"));
        catchUps.check();
        assertThat(marks).containsExactly(1L);
        catchUps.cameBack(1);
        assertThat(released).containsExactly("a");
        assertThat(marks).containsExactly(1L, 2L);
        catchUps.await(() -> released.add("d"));
        catchUps.cameBack(2);
        assertThat(released).containsExactly("a", "b", "c");
        catchUps.cameBack(3);
        assertThat(released).containsExactly("a", "b", "c", "d");
        assertThat(marks).containsExactly(1L, 2L, 3L);
        assertThat(exceeded()).isZero();
    }

    @Test
    void aMarkThatIsLostHoldsUpNobodyForLong() {
        var catchUps = catchUps(Duration.ofMillis(20));
        catchUps.await(() -> released.add("a"));
        catchUps.await(() -> released.add("b"));
        await().until(() -> {
            catchUps.check();
            return released.size() == 2;
        });
        assertThat(exceeded()).isEqualTo(2);
        catchUps.await(() -> released.add("c"));
        catchUps.cameBack(marks.getLast());
        assertThat(released).containsExactly("a", "b", "c");
    }

    @Test
    void nobodyWaitsForTheMailboxOfAnEarlierRun() {
        var catchUps = catchUps(Duration.ofMinutes(1));
        catchUps.await(() -> released.add("a"));
        catchUps.await(() -> released.add("b"));
        catchUps.begin(marks::add);
        assertThat(released).containsExactly("a", "b");
        catchUps.await(() -> released.add("c"));
        assertThat(released).hasSize(2);
        catchUps.cameBack(marks.getLast());
        assertThat(released).hasSize(3);
    }
}
