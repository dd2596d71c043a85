package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.routing.Router;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.StoredSubscription;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class EndedSessionSearchTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private final Router router = new Router();
    private StoreRig rig;
    private EndedSessionSearch search;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        search = new EndedSessionSearch(router, rig.subscriptions, Duration.ofHours(1));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private void subscribe(String clientId, long sessionId) {
        router.restore(clientId, sessionId, new StoredSubscription("t", QoS.AT_LEAST_ONCE, false, false, 0, 0));
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
        assertThat(router.subscriptions()).isBetween(501L, 502L);
        search.search();
        assertThat(router.subscriptions()).isEqualTo(1);
        search.search();
        assertThat(router.find("kept")).isNotNull();
    }
}
