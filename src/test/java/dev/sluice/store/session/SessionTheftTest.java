package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A session belongs to the identity that began it. */
@Tag("postgres")
class SessionTheftTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final String STATE =
            "SELECT concat_ws(' ', epoch, connected, node, identity, expiry_seconds) FROM session WHERE client_id = 'c'";

    private static StoreRig rig;

    @BeforeAll
    static void start() {
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
    }

    @AfterAll
    static void close() {
        rig.close();
    }

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    private static OpenedSession open(String clientId, boolean cleanStart, String identity) {
        return rig.sessions.open(new OpenRequest(clientId, cleanStart, 5, 60, identity, "node-2", 10, null), LONG);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nobodyElseResumesOrReplacesASession(boolean cleanStart) {
        var epoch = open("c", true, "ann").epoch();
        rig.disconnect("c", epoch, 60, 0).join();
        var before = SERVER.value(STATE);
        for (var other : new String[] {"bob", ""})
            assertThatThrownBy(() -> open("c", cleanStart, other)).isInstanceOf(ForeignSession.class);
        assertThat(SERVER.value(STATE)).isEqualTo(before);
        assertThat(open("c", false, "ann").present()).isTrue();
    }

    @Test
    void nobodyElseTakesAConnectionOver() {
        var epoch = open("c", true, "").epoch();
        assertThatThrownBy(() -> open("c", true, "bob")).isInstanceOf(ForeignSession.class);
        assertThat(SERVER.value("SELECT epoch FROM session WHERE client_id = 'c'"))
                .isEqualTo(Long.toString(epoch));
    }

    @Test
    void aSessionThatHasExpiredBelongsToNobody() {
        var epoch = open("c", true, "ann").epoch();
        rig.disconnect("c", epoch, 60, 0).join();
        SERVER.execute("UPDATE session SET expires_at = now() - interval '1 second'");
        assertThat(open("c", false, "bob").present()).isFalse();
        assertThat(SERVER.value("SELECT identity FROM session WHERE client_id = 'c'"))
                .isEqualTo("bob");
    }

    @Test
    void aSessionFromBeforeThereWereIdentitiesBelongsToWhoeverIsFirst() {
        var epoch = open("c", true, "").epoch();
        rig.disconnect("c", epoch, 60, 0).join();
        SERVER.execute("UPDATE session SET identity = NULL");
        assertThat(open("c", false, "ann").present()).isTrue();
        assertThatThrownBy(() -> open("c", false, "bob")).isInstanceOf(ForeignSession.class);
    }

    /** Many are opened in one statement: the thief's refusal is nobody else's. */
    @Test
    void aThiefHoldsUpNobody() throws Exception {
        open("c", true, "ann");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var others = IntStream.range(0, 40)
                    .mapToObj(i -> (Callable<OpenedSession>) () -> open(i % 2 == 0 ? "c" : "d" + i, false, "bob"))
                    .map(threads::submit)
                    .toList();
            for (int i = 0; i < others.size(); i++) {
                var other = others.get(i);
                if (i % 2 == 0) assertThatThrownBy(other::get).hasCauseInstanceOf(ForeignSession.class);
                else assertThat(other.get().present()).isFalse();
            }
        }
        assertThat(SERVER.value("SELECT identity FROM session WHERE client_id = 'c'"))
                .isEqualTo("ann");
    }
}
