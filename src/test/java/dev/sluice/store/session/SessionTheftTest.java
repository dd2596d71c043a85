package dev.sluice.store.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.List;
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
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String STATE =
            "SELECT concat_ws(' ', epoch, connected, node, identity, expiry_seconds) FROM session WHERE client_id ="
                    + " 'c'";

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

    /** For a limit of sessions: expired ones, those of others and the one that is asked for do not count. */
    @Test
    void theOtherSessionsOfAnIdentityAreCounted() {
        for (var clientId : List.of("c", "d", "e", "f")) open(clientId, true, "ann");
        open("g", true, "bob");
        open("h", true, "");
        rig.disconnect("f", open("f", true, "ann").epoch(), 60, 0).join();
        SERVER.execute("UPDATE session SET expires_at = now() - interval '1 second' WHERE client_id = 'f'");
        assertThat(othersOf("c", "ann", 10)).isEqualTo(2);
        assertThat(othersOf("new", "ann", 10)).isEqualTo(3);
        assertThat(othersOf("new", "ann", 2)).isEqualTo(2);
        assertThat(othersOf("new", "", 10)).isZero();
    }

    /** Those that were cleared, or have expired, do not count; a message that replaces one makes it its publisher's. */
    @Test
    void theRetainedMessagesOfAnIdentityAreCounted() {
        open("c", true, "ann");
        open("g", true, "bob");
        open("h", true, "");
        SERVER.execute("DELETE FROM retained");
        retain(1, "c", "c/1", "x", "NULL");
        retain(2, "c", "c/2", "x", "NULL");
        retain(3, "c", "c/3", "x", "1");
        retain(4, "c", "c/4", "x", "NULL");
        retain(5, "c", "c/4", "", "NULL");
        retain(6, "g", "c/2", "x", "NULL");
        retain(7, "h", "h/1", "x", "NULL");
        assertThat(rig.sessions.retainedOf("ann", 10)).isEqualTo(1);
        assertThat(rig.sessions.retainedOf("bob", 10)).isEqualTo(1);
        assertThat(rig.sessions.retainedOf("bob", 0)).isZero();
        assertThat(rig.sessions.retainedOf("", 10)).isZero();
        assertThat(rig.sessions.retainedBeside(TopicName.of("c/1"), "ann", 10)).isZero();
        assertThat(rig.sessions.retainedBeside(TopicName.of("c/2"), "ann", 10)).isEqualTo(1);
        SERVER.execute("DELETE FROM retained");
    }

    private static void retain(long stamp, String clientId, String topic, String payload, String expires) {
        SERVER.value(
                "SELECT retain(ARRAY['%s'], ARRAY[1], ARRAY[%s]::bigint[], ARRAY[NULL]::bytea[], ARRAY['%s']::bytea[], ARRAY[%d]::bigint[], ARRAY['%s'])"
                        .formatted(topic, expires, payload, stamp, clientId));
    }

    private static long othersOf(String clientId, String identity, long most) {
        return rig.sessions.othersOf(new OpenRequest(clientId, false, 5, 60, identity, "node-2", 10, null), most);
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
