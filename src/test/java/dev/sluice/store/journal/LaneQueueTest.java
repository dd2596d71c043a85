package dev.sluice.store.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.QoS;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig.Settings;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What writes weigh that wait for a lane. */
class LaneQueueTest {
    private final LaneQueue queue = new LaneQueue(Settings.ONE_LANE, _ -> {});

    private static JournalWrite accept(int identifiers) {
        var each = IntStream.rangeClosed(1, identifiers).boxed().toList();
        var copy = new Copy("a", Copy.ANY_SESSION, QoS.AT_LEAST_ONCE, false, each, null);
        return JournalWrite.Accept.unfenced("p", Messages.ofBytes(100), List.of(copy), false, _ -> {});
    }

    @Test
    void subscriptionIdentifiersFillALane() {
        var offered = 0;
        while (offered < 10_000 && queue.offer(accept(1000))) offered++;

        assertThat(offered).isBetween(600, 700); // of 24 bytes an identifier, 24 KB each
        assertThat(queue.hasRoom()).isFalse();
    }

    /** Others are to find room beside it. */
    @Test
    void oneMessageDoesNotFillALaneHoweverManyIdentifiersItsCopiesHave() {
        for (int i = 0; i < 3; i++) assertThat(queue.offer(accept(200_000))).isTrue();

        assertThat(queue.hasRoom()).isTrue();
        assertThat(queue.offer(accept(200_000))).isTrue();
        assertThat(queue.hasRoom()).isFalse();
    }
}
