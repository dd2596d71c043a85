package dev.sluice.topic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubscriptionIndexTest {
    private static final List<String> LEVELS = List.of("", "a", "b", "ä", "$SYS", "$x");

    private record Entry(TopicFilter filter, int value) {}

    /** Equal by name alone, as a subscriber with other options is. */
    private record Subscriber(String name, int options) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Subscriber that && name.equals(that.name);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void agreesWithTheNaiveMatcherWhateverIsAddedAndRemoved(long seed) {
        var random = new Random(seed);
        var index = new SubscriptionIndex<Integer>();
        var model = new HashSet<Entry>();
        for (var step = 0; step < 1_500; step++) {
            var entry = new Entry(TopicFilter.of(filter(random)), random.nextInt(3));
            if (random.nextInt(5) < 3) {
                assertThat(index.add(entry.filter, entry.value)).isEqualTo(model.add(entry));
            } else {
                assertThat(index.remove(entry.filter, entry.value)).isEqualTo(model.remove(entry));
            }
            assertThat(index.size()).isEqualTo(model.size());
            // Against every filter of the model: most of the time of this test.
            if (step % 4 == 0) assertAgrees(index, model, name(random), "seed " + seed + ", step " + step);
        }
        for (var it : model) assertThat(index.remove(it.filter, it.value)).isTrue();
        assertThat(index.isEmpty()).as("nothing is left of what was removed").isTrue();
    }

    private static void assertAgrees(SubscriptionIndex<Integer> index, Set<Entry> model, String name, String where) {
        var expected = model.stream()
                .filter(it -> NaiveMatcher.matches(it.filter.toString(), name))
                .toList();
        assertThat(matches(index, name))
                .as("%s, name \"%s\"", where, name)
                .containsExactlyInAnyOrderElementsOf(
                        expected.stream().map(Entry::value).toList());
        assertThat(model.stream().filter(it -> it.filter.matches(name)).toList())
                .as("one filter by itself, name \"%s\"", name)
                .isEqualTo(expected);
    }

    private static String filter(Random random) {
        var levels = new ArrayList<String>();
        for (var left = 1 + random.nextInt(4); left > 0; left--) {
            var wildcard = random.nextInt(4) == 0;
            levels.add(wildcard ? "+" : LEVELS.get(random.nextInt(LEVELS.size())));
        }
        if (random.nextInt(4) == 0) levels.add("#");
        var filter = String.join("/", levels);
        return filter.isEmpty() ? "/" : filter;
    }

    private static String name(Random random) {
        var levels = new ArrayList<String>();
        for (var left = 1 + random.nextInt(5); left > 0; left--) levels.add(LEVELS.get(random.nextInt(LEVELS.size())));
        var name = String.join("/", levels);
        return name.isEmpty() ? "/" : name;
    }

    private static <T> List<T> matches(SubscriptionIndex<T> index, String name) {
        var found = new ArrayList<T>();
        index.forEachMatch(TopicName.of(name), found::add);
        return found;
    }

    @Test
    void replacesAnEqualValue() { // [MQTT-3.8.4-3]
        var index = new SubscriptionIndex<Subscriber>();
        assertThat(index.add(TopicFilter.of("a/+"), new Subscriber("s", 1))).isTrue();
        assertThat(index.add(TopicFilter.of("a/+"), new Subscriber("s", 2))).isFalse();
        assertThat(matches(index, "a/b"))
                .singleElement()
                .extracting(Subscriber::options)
                .isEqualTo(2);
    }

    @Test
    void tellsAValueOnceForEachOfItsFilters() {
        var index = new SubscriptionIndex<String>();
        index.add(TopicFilter.of("a/+"), "s");
        index.add(TopicFilter.of("a/#"), "s");
        index.add(TopicFilter.of("$share/g/a/b"), "g");
        assertThat(matches(index, "a/b")).containsExactlyInAnyOrder("s", "s", "g");
    }

    @Test
    void walksNamesAndFiltersOfTheLongestKind() {
        var index = new SubscriptionIndex<String>();
        var longest = "/".repeat(65_535);
        index.add(TopicFilter.of(longest), "literal");
        index.add(TopicFilter.of("+/".repeat(32_767) + "#"), "wildcards");
        assertThat(matches(index, longest)).containsExactlyInAnyOrder("literal", "wildcards");
        assertThat(matches(index, longest.substring(1))).containsExactly("wildcards");
        assertThat(index.remove(TopicFilter.of(longest), "literal")).isTrue();
        assertThat(index.remove(TopicFilter.of("+/".repeat(32_767) + "#"), "wildcards"))
                .isTrue();
        assertThat(index.isEmpty()).isTrue();
    }

    @Test
    void holdsAHundredThousandFilters() {
        var index = new SubscriptionIndex<Integer>();
        for (var i = 0; i < 100_000; i++) {
            index.add(TopicFilter.of("device/" + i + "/commands/#"), i);
            index.add(TopicFilter.of("all/commands"), i);
        }
        assertThat(matches(index, "device/4711/commands/reboot")).containsExactly(4711);
        assertThat(matches(index, "all/commands")).hasSize(100_000);
        assertThat(index.size()).isEqualTo(200_000);
    }

    /** What stays is found by every read while neighbours below the same levels come and go. */
    @Test
    void readersMissNothingThatStaysWhileOthersWrite() {
        var index = new SubscriptionIndex<String>();
        index.add(TopicFilter.of("a/b/c"), "stays");
        var done = new AtomicBoolean();
        var reads = new AtomicInteger();
        var readers = List.of(reader(index, done, reads), reader(index, done, reads));
        var random = new Random(9);
        await().until(() -> {
            for (var i = 0; i < 1_000; i++) {
                var filter = TopicFilter.of(
                        List.of("a/b/c", "a/b/#", "a/+/c", "a/b/c/d", "a").get(random.nextInt(5)));
                if (random.nextBoolean()) index.add(filter, "goes");
                else index.remove(filter, "goes");
                index.add(TopicFilter.of("a/b/c"), "stays"); // a replacement is no gap
            }
            return reads.get() > 20_000 || readers.stream().anyMatch(CompletableFuture::isDone);
        });
        done.set(true);
        readers.forEach(CompletableFuture::join);
    }

    private static CompletableFuture<Void> reader(
            SubscriptionIndex<String> index, AtomicBoolean done, AtomicInteger reads) {
        return CompletableFuture.runAsync(() -> {
            while (!done.get()) {
                assertThat(matches(index, "a/b/c")).containsOnlyOnce("stays");
                reads.incrementAndGet();
            }
        });
    }

    /** A level of each used to cost 144 bytes: a thousand such filters were 9 GB. */
    @Test
    void filtersOfManyLevelsCostHardlyMoreThanTheirText() {
        var index = new SubscriptionIndex<Integer>();
        var before = usedAfterCollection();
        for (var i = 0; i < 100; i++) index.add(TopicFilter.of(i + "/".repeat(65_500)), i);
        assertThat(usedAfterCollection() - before).isLessThan(100 * 150_000L);
        assertThat(matches(index, 42 + "/".repeat(65_500))).containsExactly(42);
    }

    private static long usedAfterCollection() {
        System.gc();
        var runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Filters that share all but their last level, and such that end within what others share. */
    @Test
    void filtersPartAtEveryLevel() {
        var index = new SubscriptionIndex<Integer>();
        var filters = new ArrayList<String>();
        for (var level = 1; level <= 128; level++) {
            filters.add("a/".repeat(level) + "b");
            filters.add("a/".repeat(level - 1) + "a");
            filters.add("a/".repeat(level) + "#");
            filters.add("+/".repeat(level) + "a");
        }
        for (var i = 0; i < filters.size(); i++)
            assertThat(index.add(TopicFilter.of(filters.get(i)), i)).isTrue();
        for (var level = 1; level <= 128; level += 9) {
            var name = "a/".repeat(level) + "a";
            assertThat(matches(index, name))
                    .containsExactlyInAnyOrderElementsOf(IntStream.range(0, filters.size())
                            .filter(i -> NaiveMatcher.matches(filters.get(i), name))
                            .boxed()
                            .toList());
        }
        Collections.shuffle(filters, new Random(1));
        for (var i = 0; i < 512; i++) index.add(TopicFilter.of(filters.get(i)), -1);
        for (var filter : filters)
            assertThat(index.remove(TopicFilter.of(filter), -1)).isTrue();
        assertThat(index.size()).isEqualTo(512);
    }

    @Test
    void manyChildrenOfOnePlaceComeAndGo() {
        var index = new SubscriptionIndex<Integer>();
        var random = new Random(5);
        var model = new HashSet<Integer>();
        for (var step = 0; step < 100_000; step++) {
            var n = random.nextInt(2000);
            var growing = step / 20_000 % 2 == 0;
            if (random.nextInt(10) < (growing ? 9 : 1)) {
                assertThat(index.add(TopicFilter.of("device/" + n + "/x"), n)).isEqualTo(model.add(n));
            } else {
                assertThat(index.remove(TopicFilter.of("device/" + n + "/x"), n))
                        .isEqualTo(model.remove(n));
            }
        }
        for (var n = 0; n < 2000; n++)
            assertThat(matches(index, "device/" + n + "/x").size()).isEqualTo(model.contains(n) ? 1 : 0);
        for (var n : model) index.remove(TopicFilter.of("device/" + n + "/x"), n);
        assertThat(index.isEmpty()).isTrue();
    }
}
