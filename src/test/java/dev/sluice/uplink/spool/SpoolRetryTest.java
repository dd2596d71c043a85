package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.uplink.UplinkRig;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SpoolRetryTest {
    private static final long MILLIS = Duration.ofMillis(1).toNanos();

    private final UplinkRig rig = new UplinkRig(Map.of());
    private final long start = System.nanoTime();
    private int tries;
    private boolean inVain = true;

    /** A client that waits on after each try, or does not. */
    private final ClientSpool client = ClientSpool.open(rig.spool, rig.producer, "client", () -> {
        tries++;
        if (inVain) waits();
    });

    private void waits() {
        rig.spool.awaitRoom(client);
    }

    private int triesBetween(int from, int to) {
        tries = 0;
        for (int at = from; at < to; at += 20) rig.spool.retryWaiting(start + at * MILLIS);
        return tries;
    }

    @Test
    void whoWaitsInVainTriesLessAndLessOften() {
        waits();
        assertThat(triesBetween(0, 500)).isBetween(4, 7);
        assertThat(triesBetween(1000, 2600)).as("every 160 ms").isBetween(9, 11);
        inVain = false;
        triesBetween(2600, 2800);
        waits();
        assertThat(triesBetween(2820, 2860))
                .as("soon after a while without anybody")
                .isEqualTo(1);
    }
}
