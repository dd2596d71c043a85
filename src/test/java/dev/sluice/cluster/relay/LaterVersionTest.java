package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayModel.settle;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RelayMessage.Reach;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class LaterVersionTest {
    private final RelayModel model = new RelayModel();

    /** It has kinds of letters that this one does not know. */
    @Test
    void whatALaterVersionTellsHoldsUpNothing() {
        var newer = model.join("newer");
        newer.want("x");
        newer.want("unknown");
        var older = model.join("older");
        model.rewrites = LaterVersionTest::ofALaterKind;
        settle(newer, older);
        assertThat(older.correspondence.isComplete()).isTrue();
        assertThat(older.others).isEqualTo(Map.of("newer", Map.of("x", Reach.ALL)));
        var seen = new AtomicBoolean();
        newer.want("unknown", Reach.AT_MOST_ONCE, () -> seen.set(true));
        settle(newer, older);
        assertThat(seen).isTrue();
        newer.want("x", Reach.NONE, () -> {});
        settle(newer, older);
        assertThat(older.others).isEmpty();
        assertThat(older.count("sluice.relay.gaps")).isZero();
        assertThat(older.registry
                        .get("sluice.relay.ignored")
                        .tag("reason", "unreadable")
                        .counter()
                        .count())
                .isEqualTo(2);
    }

    /** What is wanted of one filter, alone or as a part of an answer, under a kind of its own. */
    private static byte[] ofALaterKind(byte[] letter) {
        var kind = letter[0] == RelayCodec.PART ? 1 + Long.BYTES : 0;
        if (!new String(letter, StandardCharsets.ISO_8859_1).contains("unknown")) return letter;
        var later = letter.clone();
        later[kind] = 99;
        return later;
    }
}
