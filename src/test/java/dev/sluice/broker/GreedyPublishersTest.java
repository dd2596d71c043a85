package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import io.agroal.api.AgroalDataSource;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A few clients use up what all together may have held back, while Kafka takes nothing. */
@Tag("postgres")
class GreedyPublishersTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final QoS ZERO = QoS.AT_MOST_ONCE;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final String LARGE = "x".repeat(2000);

    private AgroalDataSource pool;
    private StoreRig store;
    private BrokerRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        var relay = new LocalRelay(new LocalRelay.Board(), "here");
        var uplink = Map.of(
                "routes.all.filter", "#",
                "routes.all.kafka-topic", "all",
                "bytes-in-flight-per-connection", "1000",
                "bytes-held", "4000");
        rig = new BrokerRig(relay, store, store.retainedTopics, uplink);
        rig.settle();
    }

    @AfterEach
    void stop() {
        rig.close();
        store.close();
        pool.close();
    }

    /** Each has one message under way and one held. */
    private BrokerRig.Client greedy(String clientId) {
        var client = rig.connect(clientId, false);
        return client.publish(0, ZERO, false, "t", LARGE).publish(0, ZERO, false, "t", LARGE);
    }

    @Test
    void othersAreHeard() {
        var honest = rig.connect("honest", false);
        greedy("greedy1");
        greedy("greedy2");
        honest.publish(1, ONE, false, "t", LARGE);
        for (int packetId = 2; packetId < 5; packetId++) {
            honest.publish(packetId, ONE, false, "t", "small");
            honest.hasGotNothing();
        }
        honest.subscribe(9, ONE, "else").next(Packet.SubAck.class);
    }

    @Test
    void theyComeToNoMoreThanTheBoundAndTheirReserves() {
        greedy("greedy1");
        greedy("greedy2");
        var further = greedy("greedy3").next(Packet.Disconnect.class);
        assertThat(further.reason()).isEqualTo(ReasonCode.SERVER_BUSY);
        var exceeded = rig.meters.get("sluice.bounds.exceeded").tag("bound", "bytes-held");
        assertThat(exceeded.counter().count()).isEqualTo(1);
    }
}
