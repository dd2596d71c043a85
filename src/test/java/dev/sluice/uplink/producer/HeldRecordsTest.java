package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class HeldRecordsTest {
    private final HeldRecords<Numbered> held = new HeldRecords<>();

    private static final class Numbered extends HeldRecords.Held {
        private final int number;

        Numbered(int number) {
            this.number = number;
        }
    }

    private Numbered add(int number) {
        var added = new Numbered(number);
        held.add(added);
        return added;
    }

    private List<Integer> numbers() {
        return held.all().stream().map(it -> it.number).toList();
    }

    @Test
    void keepsTheOrderWhicheverLeaves() {
        var first = add(1);
        var second = add(2);
        var third = add(3);
        var last = add(4);
        assertThat(numbers()).containsExactly(1, 2, 3, 4);
        assertThat(held.remove(second)).isTrue();
        assertThat(numbers()).containsExactly(1, 3, 4);
        assertThat(held.remove(last)).isTrue();
        assertThat(held.remove(first)).isTrue();
        assertThat(numbers()).containsExactly(3);
        add(5);
        assertThat(held.remove(third)).isTrue();
        assertThat(numbers()).containsExactly(5);
    }

    /** The list is swept many times meanwhile. */
    @Test
    void whatIsHeldIsKeptHoweverManyComeAndGo() {
        var kept = new ArrayList<Integer>();
        for (int i = 0; i < 20_000; i++) {
            var added = add(i);
            if (i % 100 == 0) kept.add(i);
            else assertThat(held.remove(added)).isTrue();
        }
        assertThat(numbers()).isEqualTo(kept);
    }

    @Test
    void aRecordLeavesOnce() {
        var record = add(1);
        assertThat(held.remove(record)).isTrue();
        assertThat(held.remove(record)).isFalse();
        assertThat(numbers()).isEmpty();
    }

    /** As when Kafka answers while the producer is closed. */
    @Test
    void ofSeveralThreadsOneTakesARecordAway() throws Exception {
        var taken = new AtomicInteger();
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 200; round++) {
                var records = new ArrayList<Numbered>();
                for (int i = 0; i < 50; i++) records.add(add(i));
                Callable<Void> takeAll = () -> {
                    for (var record : records) if (held.remove(record)) taken.incrementAndGet();
                    for (int i = 0; i < 50; i++) if (held.remove(add(i))) taken.incrementAndGet();
                    return null;
                };
                for (var done : threads.invokeAll(List.of(takeAll, takeAll, takeAll, takeAll))) done.get();
            }
        }
        assertThat(taken).hasValue(200 * 50 + 4 * 200 * 50);
        assertThat(numbers()).isEmpty();
    }
}
