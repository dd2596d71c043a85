package dev.sluice.store.session;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static dev.sluice.store.journal.JournalWrite.Outcome.FENCED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.journal.JournalWrite.Unsubscribe;
import dev.sluice.store.session.SubscriptionReader.Subscriptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class SubscriptionTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    @Test
    void aResumedSessionKeepsItsSubscriptions() {
        var epoch = rig.open("c", false, 60).epoch();
        var one = new StoredSubscription("a/+/ü\"{},\\", QoS.EXACTLY_ONCE, true, false, 2, 268_435_455);
        var other = new StoredSubscription("$share/g/#", QoS.AT_MOST_ONCE, false, true, 0, 0);

        assertThat(subscribe("c", epoch, one, other).join()).isEqualTo(COMMITTED);

        assertThat(rig.open("c", false, 60).subscriptions()).containsExactlyInAnyOrder(one, other);
        assertThat(SERVER.value("SELECT string_agg(concat_ws(' ', client_id, filter, share_name, qos, identifier), ',')"
                        + " FROM v_subscription WHERE retain_as_published"))
                .isEqualTo("c $share/g/# g 0");
    }

    @Test
    void aSubscriptionIsReplacedAndEnded() {
        var epoch = rig.open("c", false, 60).epoch();
        subscribe("c", epoch, simple("a"), simple("b")).join();
        var renewed = new StoredSubscription("a", QoS.AT_LEAST_ONCE, true, true, 1, 5);

        assertThat(subscribe("c", epoch, renewed, simple("c")).join()).isEqualTo(COMMITTED);
        assertThat(unsubscribe("c", epoch, "b", "unknown").join()).isEqualTo(COMMITTED);

        assertThat(rig.open("c", false, 60).subscriptions()).containsExactlyInAnyOrder(renewed, simple("c"));
    }

    @Test
    void ofWritesAboutOneFilterTheLastDecides() {
        var epoch = rig.open("c", false, 60).epoch();
        var renewed = new StoredSubscription("a", QoS.AT_LEAST_ONCE, true, true, 1, 5);

        subscribe("c", epoch, simple("a"), renewed, simple("b"));
        unsubscribe("c", epoch, "a", "b");
        subscribe("c", epoch, simple("b"));
        assertThat(subscribe("c", epoch, renewed).join()).isEqualTo(COMMITTED);

        assertThat(rig.open("c", false, 60).subscriptions()).containsExactlyInAnyOrder(renewed, simple("b"));
    }

    @Test
    void onlyTheOwnerSubscribes() {
        var lost = rig.open("c", false, 60).epoch();
        var epoch = rig.open("c", false, 60).epoch();
        subscribe("c", epoch, simple("a")).join();

        assertThat(subscribe("c", lost, simple("b")).join()).isEqualTo(FENCED);
        assertThat(unsubscribe("c", lost, "a").join()).isEqualTo(FENCED);

        assertThat(rig.open("c", false, 60).subscriptions()).containsExactly(simple("a"));
    }

    @Test
    void aCleanStartBeginsWithoutSubscriptions() throws Exception {
        subscribe("c", rig.open("c", false, 60).epoch(), simple("a"), simple("b"))
                .join();

        var opened = rig.open("c", true, 60);

        assertThat(opened.subscriptions()).isEmpty();
        assertThat(all()).isEmpty();
        subscribe("c", opened.epoch(), simple("b")).join();
        rig.sweep.sweepEnded();
        assertThat(SERVER.value("SELECT string_agg(filter, ',') FROM subscription"))
                .isEqualTo("b");
        assertThat(rig.open("c", false, 60).subscriptions()).containsExactly(simple("b"));
    }

    @Test
    void aSessionThatEndsWithItsConnectionStoresNone() {
        subscribe("c", rig.open("c", false, 0).epoch(), simple("a")).join();

        assertThat(SERVER.value("SELECT count(*) FROM subscription")).isEqualTo("0");
    }

    @Test
    void filtersOfAnyLengthAreToldApart() {
        var epoch = rig.open("c", false, 60).epoch();
        var begin = "ü/".repeat(21_000);
        var filters = List.of(begin, begin + "a", begin + "b", "ü/".repeat(200), "ü/".repeat(200) + "x");
        subscribe("c", epoch, filters.stream().map(SubscriptionTest::simple).toArray(StoredSubscription[]::new))
                .join();
        subscribe("c", epoch, simple(begin + "a")).join();
        unsubscribe("c", epoch, begin + "b").join();

        assertThat(rig.open("c", false, 60).subscriptions())
                .extracting(StoredSubscription::filter)
                .containsExactlyInAnyOrder(filters.get(0), filters.get(1), filters.get(3), filters.get(4));
    }

    @Test
    void allSubscriptionsOfSessionsThatLiveAreRead() {
        var expected = new ArrayList<String>();
        for (int client = 0; client < 3; client++) {
            var name = "c" + client;
            var filters =
                    IntStream.range(0, 1500).mapToObj(n -> simple("f/" + n)).toArray(StoredSubscription[]::new);
            subscribe(name, rig.open(name, false, 60).epoch(), filters).join();
            for (var filter : filters) expected.add(name + " " + filter);
        }
        subscribe("expired", rig.open("expired", false, 60).epoch(), simple("a"))
                .join();
        SERVER.execute("UPDATE session SET connected = false, expires_at = now() WHERE client_id = 'expired'");

        assertThat(all()).containsExactlyInAnyOrderElementsOf(expected);
    }

    /** Pages end within a session: after many filters, and after long ones that only their hashes tell apart in the index. */
    @Test
    void allSubscriptionsAreReadHoweverManyAndLongTheyAre() {
        var expected = new ArrayList<String>();
        var many = rig.open("many", false, 60).id();
        SERVER.execute(
                "INSERT INTO subscription (session_id, filter, qos, no_local, retain_as_published, retain_handling, identifier)"
                        + " SELECT " + many + ", 'f/' || n, 1, false, false, 0, 0 FROM generate_series(0, 20999) n");
        for (int n = 0; n < 21_000; n++) expected.add("many " + simple("f/" + n));
        var filters = IntStream.range(0, 120)
                .mapToObj(n -> simple("ü".repeat(20_000) + n))
                .toArray(StoredSubscription[]::new);
        subscribe("long", rig.open("long", false, 60).epoch(), filters).join();
        for (var filter : filters) expected.add("long " + filter);

        var all = all();
        assertThat(all).hasSameSizeAs(expected);
        assertThat(Set.copyOf(all).equals(Set.copyOf(expected))).isTrue();
    }

    @Test
    void theViewIsReadOnly() {
        assertThatThrownBy(() -> SERVER.execute("DELETE FROM v_subscription"))
                .hasMessageContaining("cannot delete from view");
    }

    private List<String> changed() {
        var changed = new ArrayList<String>();
        rig.subscriptions.changedWithin(Duration.ofHours(1), page -> page.forEach(it -> changed.add(it.clientId())));
        return changed;
    }

    /** For a gateway that has not heard of it. */
    @Test
    void sessionsThatHaveChangedAreFound() {
        for (var clientId : List.of("a", "b", "c", "d")) {
            var session = rig.open(clientId, false, 60);
            if (!clientId.equals("a"))
                subscribe(clientId, session.epoch(), simple("x"), simple("y")).join();
            if (clientId.equals("c"))
                unsubscribe(clientId, session.epoch(), "x").join();
        }
        assertThat(changed()).containsExactly("b", "c", "d");
        SERVER.execute("UPDATE queue_out SET subscriptions_changed_at = now() - interval '2 hours' WHERE session_id ="
                + " (SELECT id FROM session WHERE client_id = 'b')");
        SERVER.execute("DELETE FROM session WHERE client_id = 'd'");
        assertThat(changed()).containsExactly("c");
    }

    @Test
    void manyThatHaveChangedAreReadPageByPage() {
        SERVER.execute(
                "INSERT INTO session (id, client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at,"
                        + " connected_at) SELECT n, 'c' || n, n, 'n', false, false, 5, 60, now(), now() FROM generate_series(1, 5000) n");
        SERVER.execute("INSERT INTO queue_out (session_id, subscriptions_changed_at)"
                + " SELECT n, now() - n / 10 * interval '1 millisecond' FROM generate_series(1, 5000) n");
        assertThat(changed()).hasSize(5000).doesNotHaveDuplicates();
    }

    @Test
    void allSubscriptionsOfSessionsAreRead() {
        var some = rig.open("some", false, 60);
        subscribe("some", some.epoch(), simple("x"), simple("y")).join();
        var none = rig.open("none", false, 60);
        var asked = List.of(
                new EndedSession("none", none.id()), new EndedSession("over", -1), new EndedSession("some", some.id()));
        assertThat(rig.subscriptions.of(asked))
                .containsExactly(
                        new Subscriptions(asked.get(0), none.epoch(), List.of()),
                        new Subscriptions(asked.get(2), some.epoch(), List.of(simple("x"), simple("y"))));
    }

    private List<String> all() {
        var all = new ArrayList<String>();
        rig.subscriptions.all((clientId, _, _, subscription) -> all.add(clientId + " " + subscription), () -> false);
        return all;
    }

    private static StoredSubscription simple(String filter) {
        return new StoredSubscription(filter, QoS.AT_LEAST_ONCE, false, false, 0, 0);
    }

    private CompletableFuture<Outcome> subscribe(String clientId, long epoch, StoredSubscription... subscriptions) {
        return rig.submit(done -> new Subscribe(clientId, epoch, List.of(subscriptions), done));
    }

    private CompletableFuture<Outcome> unsubscribe(String clientId, long epoch, String... filters) {
        return rig.submit(done -> new Unsubscribe(clientId, epoch, List.of(filters), done));
    }

    /** 200 filters of 60,000 bytes: a page has a megabyte of them, and nothing is left out. */
    @Test
    void longFiltersAreReadInSmallPages() {
        var epoch = rig.open("c", false, 60).epoch();
        for (int i = 0; i < 50; i++)
            subscribe("c", epoch, simple(i + "x".repeat(60_000))).join();
        assertThat(all()).hasSize(50).doesNotHaveDuplicates();
    }

    /** A lane is full when the texts that wait have as many bytes as it takes: not after 8192 writes of a megabyte each. */
    @Test
    void filtersWeighInTheJournal() throws Exception {
        var epoch = rig.open("c", false, 60).epoch();
        var filters = IntStream.range(0, 1000).mapToObj(n -> "f/" + n).toList();
        try (var connection = SERVER.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("SELECT FROM session WHERE client_id = 'c' FOR UPDATE");
            var taken = 0;
            while (taken < 1000 && rig.journal.submit(new Unsubscribe("c", epoch, filters, _ -> {}))) taken++;
            assertThat(taken).isBetween(60, 80); // 16 MiB
            connection.rollback();
        }
    }
}
