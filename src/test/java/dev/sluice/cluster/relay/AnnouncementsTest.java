package dev.sluice.cluster.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** How long announcements wait, by a clock that the test turns, on a board that takes them when the test says so. */
class AnnouncementsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final List<Consumer<Boolean>> board = new ArrayList<>();
    private final List<String> released = new ArrayList<>();
    private final Listener listener = new Listener();
    private long now;
    private final Announcements announcements =
            new Announcements(Duration.ofMillis(1000), () -> now * 1_000_000, new RelayMeters(registry));

    private void announce(String name) {
        announcements.announce(
                then -> {
                    board.add(then);
                    return board.size();
                },
                () -> released.add(name));
    }

    private void kafkaHas(int number) {
        board.get(number - 1).accept(true);
    }

    private List<String> releasedAt(long time) {
        now = time;
        announcements.check();
        return released;
    }

    @Test
    void thePatienceBeginsWhenKafkaHasIt() {
        announcements.audience(List.of(listener));
        announce("a");
        now = 800;
        kafkaHas(1);
        assertThat(releasedAt(1799)).isEmpty();
        assertThat(releasedAt(1800)).containsExactly("a");
        assertThat(registry.get("sluice.relay.patience.exceeded").counter().count())
                .isOne();
    }

    @Test
    void withoutKafkaItIsNotLongerThanThePatience() {
        announcements.audience(List.of(listener));
        announce("a");
        assertThat(releasedAt(999)).isEmpty();
        assertThat(releasedAt(1000)).containsExactly("a");
    }

    @Test
    void whatAllHaveSeenWaitsForWhatWasAnnouncedBefore() {
        announcements.audience(List.of(listener));
        announce("a");
        announce("b");
        kafkaHas(1);
        kafkaHas(2);
        assertThat(releasedAt(10)).isEmpty();
        listener.sees(1);
        assertThat(releasedAt(20)).containsExactly("a");
        listener.sees(2);
        assertThat(releasedAt(30)).containsExactly("a", "b");
        assertThat(registry.get("sluice.relay.patience.exceeded").counter().count())
                .isZero();
    }

    @Test
    void withNobodyToSeeItNobodyWaits() {
        announce("a");
        assertThat(released).containsExactly("a");
    }
}
