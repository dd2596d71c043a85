package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.broker.routing.Router;
import dev.sluice.packet.QoS;
import dev.sluice.session.Event;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.StoredSubscription;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class EndedSessionSearchTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final Router router = new Router();
    private final ConnectionRegistry<Line> registry =
            new ConnectionRegistry<>(_ -> CompletableFuture.completedFuture(0L));
    private final Map<String, Event> told = new ConcurrentHashMap<>();
    private final Map<String, Long> takenOver = new ConcurrentHashMap<>();
    private StoreRig rig;
    private EndedSessionSearch search;

    @BeforeEach
    void start() {
        SERVER.empty();
        start(StoreRig.Settings.ONE_LANE);
    }

    private void start(StoreRig.Settings settings) {
        rig = new StoreRig(SERVER, settings);
        search = new EndedSessionSearch(
                new EndedSessions<>(router, registry, (line, end) -> told.put(line.clientId(), end)),
                takenOver::put,
                rig.subscriptions,
                settings);
    }

    @AfterEach
    void stop() {
        search.stop();
        rig.close();
    }

    private void subscribe(String clientId, long sessionId) {
        router.restore(
                clientId, sessionId, 0, List.of(new StoredSubscription("t", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
    }

    private OpenedSession online(String clientId, long expiry) {
        var opened = rig.open(clientId, true, expiry);
        registry.online(new Line(clientId, opened.id(), opened.epoch()));
        return opened;
    }

    /** As another gateway ends them, or SQL while the connection that listens is lost. */
    @Test
    void sessionsThatEndedWithoutAWordAreForgotten() {
        for (var clientId : new String[] {"kept", "deleted", "anew"})
            subscribe(clientId, rig.open(clientId, true, 3600).id());
        rig.open("anew", true, 3600); // at another gateway
        SERVER.execute("DELETE FROM session WHERE client_id = 'deleted'");
        search.search();
        assertThat(router.find("kept")).isNotNull();
        assertThat(router.find("deleted")).isNull();
        assertThat(router.find("anew")).isNull();
    }

    @Test
    void manyAreAskedAfterPageByPage() {
        subscribe("kept", rig.open("kept", true, 3600).id());
        for (int i = 0; i < 1500; i++) subscribe("ghost" + i, -1 - i);
        search.search();
        assertThat(router.totals().count()).isBetween(501L, 502L);
        search.search();
        assertThat(router.totals().count()).isEqualTo(1);
        search.search();
        assertThat(router.find("kept")).isNotNull();
    }

    /** As if their rows had been deleted before they came online, when their connections could not be found. */
    @Test
    void connectionsWithoutTheirRowEnd() {
        for (var clientId : new String[] {"kept", "deleted", "anew", "gone"}) online(clientId, 0);
        rig.open("anew", true, 0); // at another gateway
        SERVER.execute("DELETE FROM session WHERE client_id IN ('deleted', 'gone')");
        registry.offline(registry.holder("gone"));
        search.search();
        assertThat(told).containsOnlyKeys("deleted", "anew");
        assertThat(told.get("deleted")).isSameAs(LostSession.DELETED);
        assertThat(told.get("anew")).isEqualTo(LostSession.FENCED);
    }

    /** As if the word of the gateway that has it now had been lost. */
    @Test
    void connectionsWhoseSessionsGoOnElsewhereEnd() {
        for (var clientId : new String[] {"kept", "resumed"})
            subscribe(clientId, online(clientId, 3600).id());
        subscribe("away", rig.open("away", true, 3600).id());
        rig.open("away", false, 3600);
        var later = rig.open("resumed", false, 3600);
        search.search();
        assertThat(takenOver).isEqualTo(Map.of("resumed", later.epoch()));
        assertThat(told).isEmpty();
        for (var clientId : new String[] {"kept", "resumed", "away"})
            assertThat(router.find(clientId)).as("its session goes on").isNotNull();
    }

    /** Otherwise it would take as many intervals as there are thousands of clients. */
    @Test
    void whoHasComeOnlineIsAskedAfterBeforeOthers() {
        for (int i = 0; i < 2500; i++) registry.online(new Line("ghost" + i, -1 - i, 1));
        search.search();
        assertThat(told).hasSize(2500);
        told.clear();
        registry.online(new Line("late", -9999, 1));
        search.search();
        assertThat(told).containsKey("late").hasSizeLessThan(1500);
    }

    @Test
    void allAreAskedAfterAtOnceWhenNobodyHasListened() {
        for (int i = 0; i < 2500; i++) registry.online(new Line("ghost" + i, -1 - i, 1));
        search.search();
        told.clear();
        search.start();
        search.searchAll();
        await().until(() -> told.size() == 2500);
    }

    @Test
    void whatCouldNotBeAskedIsAskedAgain() throws SQLException {
        rig.close();
        start(StoreRig.Settings.ONE_LANE.hasty());
        registry.online(new Line("ghost", -1, 1));
        try (var locking = SERVER.dataSource().getConnection();
                var statement = locking.createStatement()) {
            locking.setAutoCommit(false);
            statement.execute("LOCK TABLE session IN ACCESS EXCLUSIVE MODE");
            search.search();
            assertThat(told).isEmpty();
        }
        await().untilAsserted(() -> {
            search.search();
            assertThat(told).containsOnlyKeys("ghost");
        });
    }
}
