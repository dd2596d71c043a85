package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.topic.TopicName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RemoteInterestTest {
    private static final Gateway ONE = new Gateway("one", 1, 1);
    private static final Gateway TWO = new Gateway("two", 2, 2);

    /** What takes away the rest, until the test runs it. */
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    private final Set<Gateway> gone = new HashSet<>();
    private final RemoteInterest interest = new RemoteInterest(gateway -> !gone.contains(gateway), tasks::add);

    private void wants(Gateway gateway, Reach reach, String... filters) {
        var changes = new ArrayList<Wanted>();
        for (var filter : filters) changes.add(new Wanted(filter, reach));
        interest.changed(gateway, new Interest(changes));
    }

    private Map<String, Reach> own(String topic) {
        var wants = interest.find(TopicName.of(topic));
        var found = new HashMap<String, Reach>();
        if (wants != null) for (var want : wants.own()) found.put(want.gateway().id(), want.reach());
        return found;
    }

    @Test
    void findsEachGatewayOnceWithWhatItWantsMost() {
        wants(ONE, Reach.AT_MOST_ONCE, "a/b", "a/+");
        wants(TWO, Reach.AT_MOST_ONCE, "#");
        assertThat(own("a/b")).isEqualTo(Map.of("one", Reach.AT_MOST_ONCE, "two", Reach.AT_MOST_ONCE));
        wants(ONE, Reach.ALL, "a/+");
        assertThat(own("a/b")).isEqualTo(Map.of("one", Reach.ALL, "two", Reach.AT_MOST_ONCE));
        assertThat(own("b")).isEqualTo(Map.of("two", Reach.AT_MOST_ONCE));
        assertThat(interest.size()).isEqualTo(3);
        wants(ONE, Reach.NONE, "a/+", "a/b", "unknown");
        wants(TWO, Reach.NONE, "#");
        assertThat(own("a/b")).isEmpty();
        assertThat(interest.isEmpty()).isTrue();
    }

    /** Nothing that is published meanwhile may be missed there. */
    @Test
    void aGatewayThatTellsItsInterestAnewCountsAsBeforeUntilItHas() {
        wants(ONE, Reach.ALL, "a", "b");
        interest.forget(ONE);
        assertThat(own("a")).isEqualTo(Map.of("one", Reach.ALL));
        wants(ONE, Reach.AT_MOST_ONCE, "a");
        assertThat(own("a")).isEqualTo(Map.of("one", Reach.ALL));
        assertThat(own("b")).isEqualTo(Map.of("one", Reach.ALL));
        interest.restated(ONE);
        assertThat(own("a")).isEqualTo(Map.of("one", Reach.AT_MOST_ONCE));
        assertThat(own("b")).isEmpty();
        tasks.forEach(Runnable::run);
        assertThat(interest.size()).isEqualTo(1);
    }

    /** It may come back before what it left is taken away. */
    @Test
    void whatAGatewayAnnouncedCountsNoMoreOnceItIsForgotten() {
        wants(ONE, Reach.ALL, "a", "a/b/c", "a/b/d", "", "/", "+/x/#");
        wants(TWO, Reach.ALL, "a");
        var version = interest.version();
        gone.add(ONE);
        interest.forget(ONE);
        assertThat(interest.version()).isNotEqualTo(version);
        assertThat(own("a")).isEqualTo(Map.of("two", Reach.ALL));
        wants(ONE, Reach.AT_MOST_ONCE, "a");
        assertThat(interest.size()).isGreaterThan(2);
        tasks.remove().run();
        assertThat(interest.size()).isEqualTo(2);
        assertThat(own("a")).isEqualTo(Map.of("one", Reach.AT_MOST_ONCE, "two", Reach.ALL));
        gone.add(TWO);
        interest.forget(ONE);
        interest.forget(TWO);
        interest.forget(TWO);
        tasks.forEach(Runnable::run);
        assertThat(interest.isEmpty()).isTrue();
    }

    /** Of a remote of devices, each of which wants its own commands. */
    @Test
    void aFilterCostsItsTextAndLittleMore() {
        var before = used();
        var filters = 100_000;
        for (int from = 0; from < filters; from += 1000) {
            var changes = new ArrayList<Wanted>();
            for (int i = from; i < from + 1000; i++)
                changes.add(new Wanted("fleet/devices/device-%08d/commands".formatted(i * 7919L), Reach.ALL));
            interest.changed(ONE, new Interest(changes));
        }
        var each = (used() - before) / filters;
        System.out.printf("a filter of another gateway takes %d bytes of heap%n", each);
        assertThat(interest.size()).isEqualTo(filters);
        assertThat(each).isBetween(20L, 200L);
    }

    private static long used() {
        var least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }
}
