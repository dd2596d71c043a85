package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Who waits for the own mailbox, with marks that come back when the test says so. */
class CatchUpsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final List<Long> marks = new ArrayList<>();
    /** Those who are to be told that Kafka has them. */
    private final List<Consumer<Boolean>> untold = new ArrayList<>();

    private long now = 17;
    private final List<String> released = new ArrayList<>();

    private CatchUps catchUps(Duration patience) {
        var catchUps = new CatchUps(patience, () -> now, new RelayMeters(registry));
        catchUps.begin(this::write);
        return catchUps;
    }

    private void write(long mark, Consumer<Boolean> taken) {
        marks.add(mark);
        untold.add(taken);
    }

    private void pass(CatchUps catchUps, long millis) {
        now += Duration.ofMillis(millis).toNanos();
        catchUps.check();
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
    void aMarkThatKafkaDoesNotTakeHoldsUpNobodyForLong() {
        var catchUps = catchUps(Duration.ofSeconds(1));
        catchUps.await(() -> released.add("a"));
        catchUps.await(() -> released.add("b"));
        pass(catchUps, 2_999);
        assertThat(released).isEmpty();
        pass(catchUps, 1);
        assertThat(released).containsExactly("a", "b");
        assertThat(exceeded()).isEqualTo(2);
        catchUps.await(() -> released.add("c"));
        catchUps.cameBack(2);
        catchUps.cameBack(3);
        assertThat(marks).containsExactly(1L, 2L, 3L);
        assertThat(released).containsExactly("a", "b", "c");
    }

    @Test
    void oneThatKafkaHasIsWaitedForThoughThisGatewayIsSlow() {
        var catchUps = catchUps(Duration.ofSeconds(1));
        catchUps.await(() -> released.add("a"));
        untold.getFirst().accept(true);
        pass(catchUps, 500);
        catchUps.await(() -> released.add("b"));
        pass(catchUps, 9_499);
        assertThat(released).as("Kafka does not take the mark of b").containsExactly("b");
        pass(catchUps, 1);
        assertThat(released).containsExactly("b", "a");
        assertThat(exceeded()).isEqualTo(2);
    }

    @Test
    void aMarkIsWrittenForWhoeverDoesNotWait() {
        var catchUps = catchUps(Duration.ofSeconds(1));
        assertThat(catchUps.mark()).isOne();
        assertThat(catchUps.mark()).isEqualTo(2);
        assertThat(catchUps.mark()).isEqualTo(2);
        assertThat(marks).containsExactly(1L);
        catchUps.cameBack(1);
        assertThat(marks).containsExactly(1L, 2L);
        pass(catchUps, 60_000);
        assertThat(exceeded()).isZero();
    }

    @Test
    void nobodyWaitsForTheMailboxOfAnEarlierRun() {
        var catchUps = catchUps(Duration.ofMinutes(1));
        catchUps.await(() -> released.add("a"));
        catchUps.await(() -> released.add("b"));
        catchUps.begin(this::write);
        assertThat(released).containsExactly("a", "b");
        catchUps.await(() -> released.add("c"));
        assertThat(released).hasSize(2);
        catchUps.cameBack(marks.getLast());
        assertThat(released).hasSize(3);
    }
}
