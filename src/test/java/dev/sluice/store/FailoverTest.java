package dev.sluice.store;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.support.Crossing;
import dev.sluice.support.Stopwatch;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two servers, of which the first is the primary until the second is: with what the pool knows of the first, the second is reached soon. */
@Tag("postgres")
@Timeout(300)
class FailoverTest {
    private static final Duration SOON = Duration.ofSeconds(5);
    /** As application.properties has it, in seconds: longer than the service may be away. */
    private static final int SOCKET_TIMEOUT = 10;

    private static EmbeddedServer first;
    private static EmbeddedServer second;
    private final Crossing crossing = Crossing.to(first.port());
    private StoreRig rig;
    private boolean frozen;

    @BeforeAll
    static void startServers() {
        first = EmbeddedServer.start();
        second = EmbeddedServer.start();
    }

    @AfterAll
    static void stopServers() {
        first.close();
        second.close();
    }

    @AfterEach
    void stop() {
        rig.close();
        crossing.close();
        if (frozen) first.thaw();
        reset();
        first.empty();
        second.empty();
    }

    @Test
    void aServerThatHasBecomeReadOnlyIsNotTakenForHealthy() {
        startWarm(through(crossing.port()));
        makeReadOnly();
        Stopwatch.within(SOON, () -> !rig.health.available());

        reset();

        Stopwatch.within(SOON, this::serves);
    }

    @Test
    void connectionsToAServerThatHasBecomeReadOnlyAreGivenUp() {
        startWarm(through(crossing.port()));
        makeReadOnly();
        Stopwatch.within(SOON, () -> !rig.health.available());
        var write = write();

        crossing.lead(second.port());

        assertServedBySecond(write);
    }

    @Test
    void aServerThatIsReadOnlyAtOnceIsGivenUpAsWell() {
        startWarm(through(crossing.port()));
        crossing.lead(second.port());
        makeReadOnly();

        assertServedBySecond(write());
    }

    @Test
    void aServerThatWaitsForAStandbyThatIsGoneIsGivenUp() {
        startWarm(through(crossing.port()));
        set("synchronous_standby_names", "promoted");
        var write = write();
        crossing.lead(second.port());

        assertServedBySecond(write);
    }

    @Test
    void aFrozenServerIsGivenUp() {
        startWarm(through(crossing.port()));
        freeze();
        var write = write();
        crossing.lead(second.port());

        assertServedBySecond(write);
    }

    @Test
    void aServerThatVanishesWithoutAWordIsGivenUp() {
        startWarm(through(crossing.port()));
        crossing.swallow();
        var write = write();
        crossing.lead(second.port());

        assertServedBySecond(write);
    }

    @Test
    void ofSeveralHostsTheOneThatTakesWritesIsFound() {
        startWarm(hosts());
        makeReadOnly();

        assertServedBySecond(write());
    }

    @Test
    void ofSeveralHostsTheOneThatAnswersIsFound() {
        startWarm(hosts());
        freeze();

        assertServedBySecond(write());
    }

    @Test
    void aListenerThatLosesItsConnectionKeepsNoPlaceInThePool() throws SQLException {
        rig = new StoreRig(Pools.hasty(through(crossing.port()), SOCKET_TIMEOUT), StoreRig.Settings.ONE_LANE.hasty());
        for (int i = 0; i < 50; i++) {
            try (var connection = rig.pool.getConnection()) {
                Transaction.giveUp(connection);
            }
        }
        await().until(this::serves);
    }

    private static String through(int port) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres";
    }

    private static String hosts() {
        return "jdbc:postgresql://127.0.0.1:%d,127.0.0.1:%d/postgres?user=postgres"
                .formatted(first.port(), second.port());
    }

    /** With connections that rest in the pool, as the gateway has them after a while. */
    private void startWarm(String url) {
        rig = new StoreRig(Pools.hasty(url, SOCKET_TIMEOUT), StoreRig.Settings.ONE_LANE.hasty());
        CompletableFuture.allOf(IntStream.range(0, 10)
                        .mapToObj(n -> CompletableFuture.runAsync(() -> warm(n)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        assertThat(write().join()).isEqualTo(COMMITTED);
        assertThat(first.value("SELECT count(*) FROM retained")).isEqualTo("1");
    }

    /** Ten new connections at once may take a busy server longer than they are waited for. */
    private void warm(int number) {
        await().ignoreException(StoreUnavailable.class).until(() -> rig.open("warm-" + number, true, 0) != null);
    }

    /** In the running connections, too: what a transaction may do is asked at its begin. */
    private static void makeReadOnly() {
        set("default_transaction_read_only", "on");
    }

    private static void set(String parameter, String value) {
        first.execute("ALTER SYSTEM SET " + parameter + " = '" + value + "'");
        first.execute("SELECT pg_reload_conf()");
        await().until(() -> first.value("SHOW " + parameter).equals(value));
    }

    private void freeze() {
        frozen = true;
        first.freeze();
    }

    private static void reset() {
        first.execute("ALTER SYSTEM RESET ALL");
        first.execute("SELECT pg_reload_conf()");
        await().until(() -> first.value("SHOW default_transaction_read_only").equals("off")
                && first.value("SHOW synchronous_standby_names").isEmpty());
    }

    private CompletableFuture<Outcome> write() {
        return rig.retain(Messages.message("a/b", "text"));
    }

    private void assertServedBySecond(CompletableFuture<Outcome> write) {
        var watch = Stopwatch.start();
        Stopwatch.within(SOON, this::serves);
        assertThat(write.join()).isEqualTo(COMMITTED);
        watch.assertLessThan(SOON);
        assertThat(second.value("SELECT count(*) FROM retained")).isEqualTo("1");
        System.out.printf(
                "failover: served again after %d ms%n", watch.elapsed().toMillis());
        Stopwatch.within(SOON, this::servesAgainAndAgain);
    }

    /** By whatever connection of the pool. */
    private boolean servesAgainAndAgain() {
        return IntStream.range(0, 30).allMatch(_ -> serves());
    }

    private boolean serves() {
        try {
            return !rig.open("c", true, 60).present();
        } catch (StoreUnavailable _) {
            return false;
        }
    }
}
