package dev.sluice.store.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.support.Crossing;
import dev.sluice.support.Stopwatch;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A gateway stops in the middle of its transactions, whose rows others need: it is frozen, or cut off from PostgreSQL, and nobody is told.
 * The others go on after seconds, and so does it when it can.
 */
@Tag("postgres")
@Timeout(300)
class FrozenGatewayTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final int LANES = 4;
    private static final StoreRig.Settings SETTINGS = new StoreRig.Settings(LANES, 8192, 50, 50);
    /** What PostgreSQL's bounds come to, and as much again for a busy machine. Each lane that has its turn later adds two seconds. */
    private static final Duration BOUND = Duration.ofSeconds(6);

    private static final Duration LONG = Duration.ofMinutes(1);

    private final Crossing way = Crossing.to(SERVER.port());
    private StoreRig frozen;
    private StoreRig other;
    private long epoch;

    @BeforeEach
    void start() throws SQLException {
        SERVER.empty();
        other = new StoreRig(Pools.patient(SERVER, Pools.newConnectionSql()), SETTINGS);
        var url = "jdbc:postgresql://127.0.0.1:%d/postgres?user=postgres&ApplicationName=frozen".formatted(way.port());
        // The bound of a whole transaction is shorter here.
        var pool = Pools.hasty(url, 5, Pools.newConnectionSql().replace("30s", "3s"), Duration.ofMinutes(1));
        frozen = new StoreRig(pool, SETTINGS.hasty());
        connect(pool);
        epoch = other.open("c", false, 60).epoch();
        writeToAllLanes().forEach(CompletableFuture::join);
    }

    @AfterEach
    void stop() {
        way.release();
        frozen.close();
        other.close();
        way.close();
    }

    /** Whoever wants a connection later finds one that is made, and asks nothing before it uses it. */
    private static void connect(DataSource pool) throws SQLException {
        var connections = new ArrayList<Connection>();
        for (int i = 0; i < 4 * LANES; i++) connections.add(pool.getConnection());
        for (var connection : connections) connection.close();
    }

    /** Each of these publishers has a lane of its own. */
    private List<CompletableFuture<Outcome>> writeToAllLanes() {
        return IntStream.range(0, LANES)
                .mapToObj(lane -> frozen.accept("p" + lane, Messages.message("t", "x"), Messages.copy("c")))
                .toList();
    }

    private static String backends(String which) {
        return SERVER.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'frozen' AND " + which);
    }

    /** One lane holds the row of the queue and waits for its gateway; the others wait for the row. */
    private List<CompletableFuture<Outcome>> freezeWithinTransactions() {
        way.holdAnswers();
        var outcomes = writeToAllLanes();
        await().until(() -> backends("state = 'idle in transaction' AND query LIKE '%INSERT INTO lane%'")
                .equals("1"));
        await().until(() -> backends("wait_event_type = 'Lock'").equals(Integer.toString(LANES - 1)));
        return outcomes;
    }

    private static Outcome soon(Supplier<CompletableFuture<Outcome>> write) {
        var watch = Stopwatch.start();
        var outcome = write.get().join();
        watch.assertLessThan(BOUND);
        return outcome;
    }

    private void assertQueued(int messages) {
        assertThat(other.queues.page("c", 0, 100, 1 << 20).rows()).hasSize(messages);
    }

    @Test
    void othersGoOnAndItsOwnWritesAreMadeOnceItWakesUp() throws Exception {
        var outcomes = freezeWithinTransactions();

        assertThat(soon(() -> other.accept("p", Messages.message("t", "y"), Messages.copy("c"))))
                .isEqualTo(Outcome.COMMITTED);
        assertQueued(LANES + 1);

        way.release();
        for (var each : outcomes) assertThat(each.get(60, TimeUnit.SECONDS)).isEqualTo(Outcome.COMMITTED);
        assertQueued(2 * LANES + 1);
        assertThat(frozen.meters.get("sluice.journal.refused").counter().count())
                .isZero();
    }

    /** What it has sent and was sent is lost, and neither end of a connection hears of it. */
    @Test
    void othersGoOnWhenItIsCutOff() throws Exception {
        var outcomes = freezeWithinTransactions();
        way.swallow();
        way.lead(SERVER.port());

        assertThat(soon(() -> other.accept("p", Messages.message("t", "y"), Messages.copy("c"))))
                .isEqualTo(Outcome.COMMITTED);

        // It notices when its own patience with PostgreSQL is over.
        for (var each : outcomes) assertThat(each.get(60, TimeUnit.SECONDS)).isEqualTo(Outcome.COMMITTED);
        assertQueued(2 * LANES + 1);
    }

    @Test
    void aSessionThatItIsOpeningIsFreeSoon() throws Exception {
        way.holdAnswers();
        var opening = CompletableFuture.supplyAsync(() -> frozen.sessions.open(request("frozen"), LONG));
        await().until(() -> backends("state = 'idle in transaction' AND query LIKE '%AS due%'")
                .equals("1"));

        var watch = Stopwatch.start();
        var opened = CompletableFuture.supplyAsync(() -> other.sessions.open(request("node-1"), LONG));

        assertThat(soon(() -> other.remember("c", epoch, 1, "m"))).isIn(Outcome.COMMITTED, Outcome.FENCED);
        assertThat(opened.join().present()).isTrue();
        watch.assertLessThan(BOUND.multipliedBy(2));
        way.release();
        assertThat(opening.handle(
                                (session, failure) -> failure == null || failure.getCause() instanceof StoreUnavailable)
                        .get(60, TimeUnit.SECONDS))
                .as("opened later, or put off")
                .isTrue();
    }

    /** The session's row is locked by then, and the server waits for the rest. */
    @Test
    void aTransactionThatIsHalfSentEnds() throws Exception {
        way.holdBehind(2000);
        var half = frozen.accept("c", epoch, Messages.message("t", "x".repeat(100_000)), Messages.copy("c"));
        await().until(() -> backends("state = 'active' AND wait_event = 'ClientRead' AND query LIKE '%require_all%'")
                .equals("1"));

        var watch = Stopwatch.start();
        assertThat(other.sessions.open(request("node-1"), LONG).present()).isTrue();
        watch.assertLessThan(BOUND.multipliedBy(2));
        way.swallow();
        way.lead(SERVER.port());
        assertThat(half.get(60, TimeUnit.SECONDS)).isEqualTo(Outcome.FENCED);
    }

    private static OpenRequest request(String node) {
        return new OpenRequest("c", false, 5, 60, "someone", node, StoreRig.SEND_QUOTA, null);
    }
}
