package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartialPacketsTest {
    private final PartialPackets partials = new PartialPackets(100_000, 50_000);
    private final List<String> gone = new ArrayList<>();
    private final Runnable first = () -> gone.add("first");
    private final Runnable second = () -> gone.add("second");
    private final Runnable third = () -> gone.add("third");

    @Test
    void whoBeganFirstHasToGo() {
        partials.note(first, 30_000);
        partials.note(second, 40_000);
        partials.note(first, 40_000); // goes on
        assertThat(gone).isEmpty();
        partials.note(third, 30_000);
        assertThat(gone).containsExactly("first");
        assertThat(partials.bytes()).isEqualTo(70_000);
        partials.note(third, 100_000);
        assertThat(gone).containsExactly("first", "second");
    }

    @Test
    void aPacketThatIsWholeDoesNotCount() {
        partials.note(first, 90_000);
        partials.note(first, 0);
        partials.note(second, 50_000);
        partials.note(first, 40_000); // the next one
        partials.note(third, 50_000);
        assertThat(gone).containsExactly("second");
        partials.note(first, 0);
        partials.note(third, 0);
        partials.note(second, 0); // gone already
        assertThat(partials.bytes()).isZero();
    }

    @Test
    void littleIsNotCounted() {
        assertThat(PartialInput.counted(4095)).isZero();
        assertThat(PartialInput.counted(4096)).isEqualTo(4096);
    }

    @Test
    void hasRoomForThePacketThatIsTheLargest() {
        assertThatThrownBy(() -> new PartialPackets(49_999, 50_000))
                .hasMessage("sluice.mqtt.partial-packet-bytes-in-all: is 49999, and has to be"
                        + " sluice.mqtt.maximum-packet-size, 50000, or more");
    }
}
