package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.session.Event;
import dev.sluice.support.NodeSettings;
import dev.sluice.support.Stopwatch;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class DeparturesTest {
    /** What connections were told, and when. */
    private record Told(Event event, long at, boolean hasWill) {}

    private final Queue<Told> told = new ConcurrentLinkedQueue<>();
    private final List<RetainedRecipient> connections = new ArrayList<>();

    private Departures departures(int rate, String age) {
        var config = NodeSettings.of("node-1", "drain-rate", Integer.toString(rate), "max-connection-age", age);
        var departures = new Departures(config, new SimpleMeterRegistry());
        departures.of(() -> connections);
        return departures;
    }

    private RetainedRecipient connection(boolean closed, boolean hasWill) {
        var type = RetainedRecipient.class;
        return (RetainedRecipient)
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
                    if (method.getName().equals("isClosed")) return closed;
                    if (method.getName().equals("hasWill")) return hasWill;
                    assertThat(method.getName()).isEqualTo("tell");
                    told.add(new Told((Event) arguments[0], System.nanoTime(), hasWill));
                    return null;
                });
    }

    private void connect(int count, boolean closed) {
        for (int i = 0; i < count; i++) connections.add(connection(closed, false));
    }

    private void assertLastToldAfter(Duration least, long begun) {
        var last = told.stream().mapToLong(Told::at).max().orElseThrow();
        assertThat(Duration.ofNanos(last - begun)).isGreaterThanOrEqualTo(least);
    }

    @Test
    void aDrainLetsSoManyGoInASecond() {
        connect(60, false);
        var departures = departures(120, "0s");
        assertThat(departures.isDraining()).isFalse();
        var watch = Stopwatch.start();
        var begun = System.nanoTime();
        departures.drain();
        assertThat(departures.isDraining()).isTrue();
        await().until(() -> told.size() == 60);
        watch.assertLessThan(Duration.ofSeconds(5));
        assertLastToldAfter(Duration.ofMillis(450), begun);
        assertThat(told).allSatisfy(it -> assertThat(it.event()).isEqualTo(Departures.DRAINED));
    }

    @Test
    void aDrainThatHasToEndInTimeIsFaster() {
        connect(60, false);
        var watch = Stopwatch.start();
        var begun = System.nanoTime();
        departures(1, "0s").drain(Duration.ofMillis(500));
        await().until(() -> told.size() == 60);
        watch.assertLessThan(Duration.ofSeconds(10));
        assertLastToldAfter(Duration.ofMillis(450), begun);
    }

    @Test
    void aDrainWithoutTimeLetsAllGoAtOnce() {
        connect(60, false);
        departures(1, "0s").drain(Duration.ZERO);
        await().until(() -> told.size() == 60);
    }

    @Test
    void whoIsGoneAlreadyTakesNobodysTurn() {
        connect(10_000, true);
        connect(1, false);
        departures(1, "0s").drain();
        await().until(() -> told.size() == 1);
    }

    @Test
    void whoIsNotToldYetMayStayWhenADrainIsTakenBack() {
        connect(60, false);
        var departures = departures(1, "0s");
        departures.drain();
        await().until(() -> !told.isEmpty());
        departures.stay();
        assertThat(departures.isDraining()).isFalse();
        assertThat(departures.waiting()).isZero();
        assertThat(told.size()).isLessThan(60);
    }

    @Test
    void thoseWithoutAWillGoElsewhereFirst() {
        connect(3, true);
        for (int i = 0; i < 10; i++) connections.add(connection(false, i % 2 == 0));
        departures(1000, "0s").spread(6);
        await().until(() -> told.size() == 6);
        assertThat(told).allSatisfy(it -> assertThat(it.event()).isEqualTo(Departures.ONE_OF_MANY));
        assertThat(toldOf(true)).isEqualTo(1);
        assertThat(toldOf(false)).isEqualTo(5);
    }

    private long toldOf(boolean hasWill) {
        return told.stream().filter(it -> it.hasWill() == hasWill).count();
    }

    @Test
    void connectionsThatComeTogetherDoNotGrowOldTogether() {
        var hour = Duration.ofHours(1).toNanos();
        var departures = departures(1, "1h");
        var lifetimes = DoubleStream.generate(() -> (double) departures.lifetime() / hour)
                .limit(1000)
                .summaryStatistics();
        assertThat(lifetimes.getMin()).isBetween(0.9, 0.92);
        assertThat(lifetimes.getMax()).isBetween(1.08, 1.1);
        assertThat(departures(1, "0s").lifetime()).isEqualTo(Departures.FOR_EVER);
    }

    @Test
    void aRateOfNothingIsRefused() {
        assertThatThrownBy(() -> departures(0, "0s")).hasMessage("sluice.node.drain-rate: 0 is less than 1");
    }
}
