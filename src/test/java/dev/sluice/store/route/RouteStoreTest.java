package dev.sluice.store.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.SessionsUnheard;
import dev.sluice.store.StoreRig;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class RouteStoreTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String SPEC = "{\"kafkaTopic\": \"t\"}";

    /** One for each time that a listener has begun to listen. */
    private final List<SessionsUnheard> unheard = new CopyOnWriteArrayList<>();

    private StoreRig rig;
    private RouteStore store;

    @BeforeEach
    void start() {
        SERVER.execute("DELETE FROM route");
        SERVER.execute("TRUNCATE audit");
        SERVER.execute("UPDATE route_set SET good = NULL, good_version = NULL");
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        store = rig.routes;
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private StoredRoutes change(String actor, Function<StoredRoutes, SortedMap<String, String>> change) {
        return store.change(actor, change, specs -> specs).after();
    }

    private StoredRoutes put(String actor, String... names) {
        return change(actor, before -> {
            var specs = before.specs();
            for (var name : names) specs.put(name, SPEC);
            return specs;
        });
    }

    @Test
    void aTransactionRaisesTheVersionOnce() {
        var before = store.read();
        var after = put("ann", "a", "b");
        assertThat(before.routes()).isEmpty();
        assertThat(after.version()).isEqualTo(before.version() + 1);
        assertThat(after.routes().keySet()).containsExactly("a", "b");
        assertThat(after.routes().values()).allSatisfy(route -> {
            assertThat(route.version()).isEqualTo(after.version());
            assertThat(route.updatedBy()).isEqualTo("ann");
            assertThat(route.spec()).isEqualTo(SPEC);
        });
        assertThat(store.read()).isEqualTo(after);
    }

    @Test
    void whatMakesNoDifferenceIsNotWritten() {
        var first = put("ann", "a");
        assertThat(put("bob", "a")).isEqualTo(first);
        assertThat(store.history(null, Long.MAX_VALUE, 10)).hasSize(1);
    }

    @Test
    void onlyWhatChangesGetsTheNewVersion() {
        var first = put("ann", "a");
        var second = change("bob", before -> {
            var specs = before.specs();
            specs.put("b", SPEC);
            return specs;
        });
        assertThat(second.routes().get("a").version()).isEqualTo(first.version());
        assertThat(second.routes().get("b").version()).isEqualTo(first.version() + 1);
    }

    @Test
    void aChangeThatFailsLeavesNothing() {
        var before = put("ann", "a");
        var no = new IllegalArgumentException("no");
        assertThatThrownBy(() -> change("bob", _ -> {
                    throw no;
                }))
                .isSameAs(no);
        assertThat(store.read()).isEqualTo(before);
    }

    @Test
    void whatPostgreSqlRefusesIsNoOutage() {
        assertThatThrownBy(() -> put("ann", "no name")).isInstanceOf(IllegalArgumentException.class);
        assertThat(store.read().routes()).isEmpty();
    }

    @Test
    void changesTakeTurns() {
        var version = store.read().version();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture.allOf(IntStream.range(0, 20)
                            .mapToObj(i -> CompletableFuture.runAsync(() -> put("ann", "r" + i), threads))
                            .toArray(CompletableFuture[]::new))
                    .join();
        }
        assertThat(store.read().routes()).hasSize(20);
        assertThat(store.read().version()).isEqualTo(version + 20);
    }

    @Test
    void theLastGoodSetIsKept() {
        assertThat(store.good()).isEmpty();
        var version = put("ann", "a", "b").version();
        var good = new RouteStore.Good(version, store.read().specs());
        assertThat(store.keep(good)).isTrue();
        assertThat(store.keep(new RouteStore.Good(version - 1, new TreeMap<>())))
                .as("an older one")
                .isTrue();
        assertThat(store.good()).hasValue(good);
        assertThat(store.read().version()).as("nothing has changed").isEqualTo(version);
        var empty = new RouteStore.Good(version + 1, new TreeMap<>());
        assertThat(store.keep(empty)).isTrue();
        assertThat(store.good()).hasValue(empty);
    }

    @Test
    void keepingASetDoesNotWaitForAnOperator() throws SQLException {
        var good = new RouteStore.Good(1, new TreeMap<>());
        try (var operator = SERVER.dataSource().getConnection()) {
            operator.setAutoCommit(false);
            operator.createStatement().execute("INSERT INTO route (name, spec) VALUES ('a', '" + SPEC + "')");
            assertThat(store.keep(good)).isFalse();
            operator.rollback();
        }
        assertThat(store.keep(good)).isTrue();
    }

    @Test
    void theAccountTellsWhoDidWhat() {
        put("ann", "a", "ab");
        change("bob", before -> {
            var specs = before.specs();
            specs.put("a", "{\"kafkaTopic\": \"u\"}");
            return specs;
        });
        change("cal", _ -> new TreeMap<>());
        var history = store.history("a", Long.MAX_VALUE, 10);
        assertThat(history.stream()
                        .map(it -> it.actor() + " " + it.action() + " " + it.before() + " " + it.after())
                        .toList())
                .containsExactly(
                        "cal delete {\"kafkaTopic\": \"u\"} null",
                        "bob change " + SPEC + " {\"kafkaTopic\": \"u\"}",
                        "ann create null " + SPEC);
        assertThat(history).allMatch(it -> it.route().equals("a"));
        assertThat(store.history(null, Long.MAX_VALUE, 10)).hasSize(5);
        assertThat(store.history(null, history.getFirst().id(), 2))
                .hasSize(2)
                .allMatch(it -> it.id() < history.getFirst().id());
    }

    @Test
    void anOperatorsSqlCountsLikeARequest() {
        var version = store.read().version();
        SERVER.execute("INSERT INTO route (name, spec) VALUES ('a', '" + SPEC + "')");
        SERVER.execute("UPDATE route SET name = 'b'");
        var stored = store.read();
        assertThat(stored.version()).isEqualTo(version + 2);
        assertThat(stored.routes().get("b").updatedBy()).isEqualTo("postgres");
        assertThat(SERVER.value(
                        "SELECT string_agg(concat_ws(' ', actor, action, object), ', ' ORDER BY id) FROM v_audit"))
                .isEqualTo("postgres create route/a, postgres delete route/a, postgres create route/b");
        assertThat(SERVER.value("SELECT concat_ws(' ', name, filter, kafka_topic, updated_by) FROM v_route"))
                .isEqualTo("b t postgres");
    }

    @Test
    void whatLeavesNoAccountIsRefused() {
        assertThatThrownBy(() -> SERVER.execute("TRUNCATE route")).hasStackTraceContaining("use DELETE FROM route");
        assertThatThrownBy(() -> SERVER.execute("DELETE FROM v_route")).hasStackTraceContaining("v_route");
        assertThatThrownBy(() -> SERVER.execute("DELETE FROM v_audit")).hasStackTraceContaining("v_audit");
    }

    @Test
    void everyColumnHasItsComment() {
        assertThat(SERVER.value(
                        "SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c JOIN pg_attribute a"
                                + " ON a.attrelid = c.oid WHERE c.relname IN ('route', 'route_set', 'audit', 'v_route', 'v_audit')"
                                + " AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL"))
                .isNull();
    }

    @Test
    void aChangeIsToldAtOnce() {
        try (var told = new Told(Duration.ofHours(1))) {
            await().until(() -> !told.versions.isEmpty());
            SERVER.execute("INSERT INTO route (name, spec) VALUES ('a', '" + SPEC + "')");
            var version = store.read().version();
            await().until(() -> told.versions.getLast() == version);
        }
    }

    @Test
    void aNotificationThatIsLostIsMadeUpFor() {
        try (var told = new Told(Duration.ofMillis(200))) {
            await().until(() -> !told.versions.isEmpty());
            SERVER.execute("UPDATE route_set SET version = version + 1"); // which tells nobody
            var version = store.read().version();
            await().until(() -> told.versions.getLast() == version);
        }
    }

    @Test
    void theListenerComesBackWhenItsConnectionIsLost() {
        try (var told = new Told(Duration.ofMillis(200))) {
            await().until(() -> !told.versions.isEmpty());
            SERVER.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%FROM route_set'"
                    + " AND pid <> pg_backend_pid()");
            put("ann", "a");
            var version = store.read().version();
            await().until(() -> told.versions.getLast() == version);
            assertThat(unheard).as("told that something may have been missed").hasSizeGreaterThan(1);
        }
    }

    @Test
    void theListenerComesBackWhenWhoIsToldFails() throws SQLException {
        var told = new CopyOnWriteArrayList<Long>();
        var listener = new RouteListener(rig.pool, Duration.ofMillis(100), _ -> {}, unheard::add);
        listener.start(version -> {
            told.add(version);
            if (told.size() < 3) throw new IllegalStateException("thrown by the test");
        });
        try {
            await().until(() -> told.size() > 3);
        } finally {
            listener.stop();
        }
        try (var connection = rig.pool.getConnection();
                var listening = connection.createStatement().executeQuery("SELECT pg_listening_channels()")) {
            assertThat(listening.next())
                    .as("the pool has a connection that listens")
                    .isFalse();
        }
    }

    /** It would not, within the interval. */
    @Test
    void whoHasMoreToFollowIsAskedAgainAtOnce() {
        var looks = new AtomicInteger();
        var listener = new RouteListener(rig.pool, Duration.ofHours(1), _ -> {}, unheard::add);
        listener.credentials(() -> looks.incrementAndGet() < 3);
        listener.start(_ -> {});
        try {
            await().until(() -> looks.get() == 3);
        } finally {
            listener.stop();
        }
    }

    /** What a listener tells. */
    private final class Told implements AutoCloseable {
        final List<Long> versions = new CopyOnWriteArrayList<>();
        private final RouteListener listener;

        Told(Duration interval) {
            listener = new RouteListener(rig.pool, interval, _ -> {}, unheard::add);
            listener.start(versions::add);
        }

        @Override
        public void close() {
            listener.stop();
        }
    }
}
