package dev.sluice.topic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class NameIndexTest {
    private final NameIndex index = new NameIndex();

    private List<String> found(String filter, int most, int steps) {
        var found = new ArrayList<String>();
        var place = NameIndex.Place.START;
        while (place != null) {
            var next = index.find(TopicFilter.of(filter), place, most, steps);
            assertThat(next.names()).hasSizeLessThanOrEqualTo(most);
            next.names().forEach(name -> found.add(name.toString()));
            place = next.next();
        }
        return found;
    }

    private static final String[] TOPICS =
            ("a a/b a/b/c a/x/c a/b/c/d a// a//b a0 a-/b a!/b a-/b/c a! b/b / /a // $SYS $SYS/a $SYS/a/b a.c/x abc/x %/x aa/x a/b!"
                            + " a_/x ax/x (x)/1/[y]* ü/1 u/1 1/x\ty x/😀 x!/y/z x/y/z x/y-/z x-/y/z")
                    .split(" ");

    private static final String[] FILTERS =
            ("# + +/+ a a/b a/# a/+ a/+/c +/b +/b/# /# /+ a//+ +/+/+/# $SYS/# $SYS/+ a/b/c/+ a.c/+ %/+ a_/# (x)/+/[y]* ü/+ x/+ +/x\ty"
                            + " +/y/z +/+/z x/+/z +/# a/b/# a/+/# nothing nothing/# +/nothing")
                    .split(" ");

    @Test
    void findsWhatAFilterMatchesAndNothingElse() {
        for (var topic : TOPICS) assertThat(index.add(TopicName.of(topic))).isTrue();
        assertThat(index.size()).isEqualTo(TOPICS.length);
        for (var filter : FILTERS) assertMatches(filter, List.of(TOPICS));
    }

    private void assertMatches(String filter, List<String> topics) {
        var matching = TopicFilter.of(filter);
        var expected = topics.stream()
                .filter(matching::matches)
                .map(TopicName::of)
                .sorted((one, other) -> Arrays.compareUnsigned(one.utf8(), other.utf8()))
                .map(TopicName::toString)
                .toList();
        for (var most : List.of(1, 3, 100))
            for (var steps : List.of(1, 2, 7, 1000))
                assertThat(found(filter, most, steps))
                        .as("%s, %d names and %d steps at a time", filter, most, steps)
                        .containsExactlyElementsOf(expected);
    }

    @Test
    void agreesWithTheFilterOnRandomNames() {
        var random = new Random(42);
        var parts = List.of("a", "b", "", "a!", "a0", "$", "-", "ab", "ü");
        var topics =
                Stream.generate(() -> name(random, parts)).limit(400).distinct().toList();
        topics.forEach(topic -> index.add(TopicName.of(topic)));
        var filterParts = List.of("a", "b", "", "+", "+", "a!", "ab", "zz");
        for (int i = 0; i < 300; i++) {
            var filter = name(random, filterParts) + (random.nextInt(3) == 0 ? "/#" : "");
            assertMatches(filter, topics);
        }
    }

    private static String name(Random random, List<String> parts) {
        var text = String.join(
                "/",
                IntStream.range(0, 1 + random.nextInt(4))
                        .mapToObj(_ -> parts.get(random.nextInt(parts.size())))
                        .toList());
        return text.isEmpty() ? "a" : text;
    }

    @Test
    void aNameThatIsRemovedIsNotFound() {
        index.add(TopicName.of("a"));
        assertThat(index.add(TopicName.of("a"))).isFalse();
        assertThat(index.remove(TopicName.of("a"))).isTrue();
        assertThat(index.remove(TopicName.of("a"))).isFalse();
        assertThat(index.size()).isZero();
        assertThat(found("#", 10, 10)).isEmpty();
    }

    @Test
    void knowsTheBytesOfItsNames() {
        index.add(TopicName.of("a/ü"));
        index.add(TopicName.of("a/ü"));
        index.add(TopicName.of("b".repeat(60_000)));
        assertThat(index.bytes()).isEqualTo(60_004);
        index.remove(TopicName.of("b".repeat(60_000)));
        index.remove(TopicName.of("never"));
        assertThat(index.bytes()).isEqualTo(4);
    }

    /** Those included that the filter # does not match. */
    @Test
    void goesThroughAllNamesSomeAtATime() {
        for (var topic : TOPICS) index.add(TopicName.of(topic));
        for (var most : List.of(1, 2, 100))
            for (var bytes : List.of(1L, 9L, 1000L)) {
                var all = new ArrayList<TopicName>();
                for (var place = NameIndex.Place.START; place != null; ) {
                    var some = index.next(place, most, bytes);
                    assertThat(some.names()).hasSizeBetween(1, most);
                    if (some.names().size() > 1)
                        assertThat(some.names().stream()
                                        .mapToLong(name -> name.utf8().length)
                                        .sum())
                                .isLessThanOrEqualTo(bytes);
                    all.addAll(some.names());
                    place = some.next();
                }
                assertThat(all).extracting(TopicName::toString).containsExactlyInAnyOrder(TOPICS);
            }
    }

    @Test
    void aSharedSubscriptionFindsNone() {
        index.add(TopicName.of("a"));
        assertThat(found("$share/g/a", 10, 10)).isEmpty();
    }

    /** 1,000 steps are enough for the 100 devices, of which each has 1,000 names. */
    @Test
    void stepsOverWhatCannotMatch() {
        for (int device = 0; device < 100; device++)
            for (int i = 0; i < 1000; i++) index.add(TopicName.of("d" + device + "/state/" + i));
        var found = index.find(TopicFilter.of("+/state/7"), NameIndex.Place.START, 1000, 2500);
        assertThat(found.isEnd()).isTrue();
        assertThat(found.names()).hasSize(100);
        assertThat(index.find(TopicFilter.of("d7/none"), NameIndex.Place.START, 1000, 2)
                        .isEnd())
                .isTrue();
    }
}
