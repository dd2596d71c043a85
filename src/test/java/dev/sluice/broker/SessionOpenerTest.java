package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.SessionStore.OpenRequest;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What becomes of a session whose COMMIT was not answered. */
@Tag("postgres")
class SessionOpenerTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration SOON = Duration.ofSeconds(60);

    private final SessionTurns turns = new SessionTurns();
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay here = new LocalRelay(board, "node-1");
    private final LocalRelay there = new LocalRelay(board, "node-2");
    private final ConnectionRegistry<Line> registry = registry(new CopyOnWriteArrayList<>());
    /** Connections at the other gateway that were told that they have lost their session. */
    private final List<Line> endedThere = new CopyOnWriteArrayList<>();

    private final ConnectionRegistry<Line> registryThere = registry(endedThere);
    private AgroalDataSource pool;
    private StoreRig rig;
    private SessionOpener opener;

    @BeforeEach
    void start() {
        SERVER.empty();
        // Without the check by which the server ends a COMMIT that nobody waits for: not every server can.
        pool = Pools.patient(SERVER, Pools.patientSql().replaceAll("; DO .*", ""));
        rig = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        opener = new SessionOpener(
                rig.sessions,
                SOON,
                rig.journal,
                turns,
                registry,
                new FleetSessions(here, null, takeOvers(registry, turns, here), null, null),
                null,
                null,
                null);
    }

    private static ConnectionRegistry<Line> registry(List<Line> ended) {
        return new ConnectionRegistry<>(line -> {
            ended.add(line);
            return CompletableFuture.completedFuture(0L);
        });
    }

    private static FleetTakeOvers takeOvers(ConnectionRegistry<Line> registry, SessionTurns turns, LocalRelay relay) {
        return new FleetTakeOvers(registry, turns, relay, relay, _ -> {}, new BrokerMeters(new SimpleMeterRegistry()));
    }

    @AfterEach
    void stop() {
        here.close();
        there.close();
        rig.close();
        pool.close();
    }

    private void endIfOpened(String node) {
        var turn = turns.take("c");
        var next = turns.take("c");
        opener.endIfOpened(new OpenRequest("c", false, 5, 60, "someone", node, 10, null), turn);
        assertThat(next.await(SOON)).as("the client's next open").isTrue();
        next.end();
    }

    private String connected() {
        return SERVER.value("SELECT concat_ws(' ', connected, expires_at IS NOT NULL) FROM session");
    }

    @Test
    void oneThatWasOpenedIsEndedBeforeTheNext() {
        rig.open("c", false, 60);
        endIfOpened("node-1");
        assertThat(connected()).isEqualTo("f t");
    }

    /** Who held it until then is not known, as the answer would have said so. */
    @Test
    void theFormerConnectionAtAnotherGatewayEndsToo() {
        takeOvers(registryThere, new SessionTurns(), there);
        here.join();
        there.join();
        var former = new Line("c", 1, 0);
        registryThere.online(former);
        registryThere.online(new Line("other", 2, 0));
        rig.open("c", false, 60);
        endIfOpened("node-1");
        await().untilAsserted(() -> assertThat(endedThere).containsOnly(former));
    }

    @Test
    void oneThatWasNotOpenedIsLeftAlone() {
        endIfOpened("node-1");
        assertThat(SERVER.value("SELECT count(*) FROM session")).isEqualTo("0");
    }

    @Test
    void oneThatAnotherGatewayHasTakenIsLeftAlone() {
        rig.open("c", false, 60);
        endIfOpened("node-2");
        assertThat(connected()).isEqualTo("t f");
    }

    @Test
    void oneWhoseCommitIsStillUnderWayIsEndedAfterIt() {
        SERVER.execute("""
            CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON session DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION slow_commit()\
            """);
        try {
            var request = new OpenRequest("c", false, 5, 60, "someone", "node-1", 10, null);
            assertThatThrownBy(() -> rig.sessions.open(request, Duration.ofSeconds(1)))
                    .isInstanceOfSatisfying(StoreUnavailable.class, away -> assertThat(away.isInDoubt())
                            .isTrue());
            endIfOpened("node-1");
            assertThat(connected()).isEqualTo("f t");
        } finally {
            SERVER.execute("DROP FUNCTION slow_commit CASCADE");
        }
    }
}
