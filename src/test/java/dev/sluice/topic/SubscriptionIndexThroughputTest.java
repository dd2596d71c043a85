package dev.sluice.topic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Time of one match, and bytes of one filter besides its own text, at 100,000 and a million filters of 1 to 128 levels: by JMH, which
 * prints both. A level has eight characters; filters share all but their last level with a thousandth of the others.
 */
@Tag("bench")
public class SubscriptionIndexThroughputTest {
    @Test
    void matchesASecond() throws Exception {
        var options = new OptionsBuilder()
                .include(Matching.class.getName().replace('$', '.'))
                .forks(1)
                .jvmArgs("-Xmx3g", "-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders")
                .warmupIterations(2)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(3)
                .measurementTime(TimeValue.seconds(1))
                .build();
        var results = new Runner(options).run();
        assertThat(results).hasSize(8);
        assertThat(results)
                .allSatisfy(it -> assertThat(it.getPrimaryResult().getScore()).isLessThan(100_000));
    }

    @State(Scope.Benchmark)
    @BenchmarkMode(Mode.AverageTime)
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public static class Matching {
        private static final int GROUPS = 1000;

        @Param({"100000", "1000000"})
        public int filters;

        @Param({"1", "4", "16", "128"})
        public int levels;

        private SubscriptionIndex<Integer> index;
        private String[] prefixes;
        private TopicName[] names;
        private int next;

        /** Filters of 128 levels have a kilobyte each: of these, a tenth as many. */
        private int count() {
            return levels == 128 ? filters / 10 : filters;
        }

        @Setup(Level.Trial)
        public void fill() {
            prefixes = IntStream.range(0, GROUPS).mapToObj(this::prefix).toArray(String[]::new);
            index = new SubscriptionIndex<>();
            var before = used();
            for (int i = 0; i < count(); i++) index.add(TopicFilter.of(filter(i)), i);
            System.out.printf(
                    "%n%d filters of %d levels, %d characters: %d bytes each%n",
                    count(), levels, filter(0).length(), (used() - before) / count());
            var random = new Random(7);
            names = IntStream.range(0, 1024)
                    .mapToObj(_ -> TopicName.of(filter(random.nextInt(count()))))
                    .toArray(TopicName[]::new);
        }

        private String filter(int i) {
            return prefixes[i % GROUPS] + "%08x".formatted(i);
        }

        private String prefix(int group) {
            return IntStream.range(0, levels - 1)
                    .mapToObj(level -> "%03x-%04x/".formatted(level, group))
                    .collect(Collectors.joining());
        }

        private static long used() {
            for (int i = 0; i < 3; i++) System.gc();
            return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        }

        @Benchmark
        public void match(Blackhole hole) {
            index.forEachMatch(names[next++ & 1023], hole::consume);
        }
    }
}
