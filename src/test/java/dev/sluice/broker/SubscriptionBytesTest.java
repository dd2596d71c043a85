package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import io.agroal.api.AgroalDataSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whoever has a new client identifier for each of them cannot fill the memory with Topic Filters. */
@Tag("postgres")
class SubscriptionBytesTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** Of 300 bytes, with what is around it. */
    private static final String LONG = "x".repeat(99);

    private AgroalDataSource pool;
    private StoreRig store;
    private BrokerRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        begin(1000);
    }

    /** A gateway with this bound. */
    private void begin(long bytes) {
        var relay = new LocalRelay(new LocalRelay.Board(), "here");
        var bound = Map.of("sluice.mqtt.subscription-bytes-in-all", Long.toString(bytes));
        rig = new BrokerRig(relay, store, store.retainedTopics, Map.of("unmatched", "drop"), bound);
        rig.broker.start(null);
        rig.settle();
    }

    private void end() {
        rig.broker.stop(null);
        rig.close();
    }

    @AfterEach
    void stop() {
        end();
        store.close();
        pool.close();
    }

    private static ReasonCode subscribe(BrokerRig.Client client, int packetId, String filter) {
        var answer = client.subscribe(packetId, ONE, filter).next(Packet.SubAck.class);
        assertThat(answer.packetId()).isEqualTo(packetId);
        return answer.reasons().getFirst();
    }

    private double figure(String name) {
        return rig.meters.get(name).functionCounter().count();
    }

    private double bytes() {
        return rig.meters.get("sluice.subscription").gauge().value();
    }

    @Test
    void subscriptionsOfAllClientsTogetherHaveABound() {
        for (int i = 0; i < 3; i++)
            assertThat(subscribe(rig.connect("durable" + i, true), 1, LONG + i)).isEqualTo(ReasonCode.GRANTED_QOS_1);
        assertThat(bytes()).isEqualTo(900);
        var further = rig.connect("further", true);
        var live = rig.connect("live", false);
        assertThat(subscribe(further, 1, LONG)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        assertThat(subscribe(live, 1, "$share/s/" + LONG)).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        assertThat(rig.meters
                        .get("sluice.bounds.exceeded")
                        .tag("bound", "subscription-bytes-in-all")
                        .counter()
                        .count())
                .isEqualTo(2);
        assertThat(figure("sluice.subscriptions.above.bound")).isZero();

        var known = rig.resume("durable0");
        assertThat(subscribe(known, 2, LONG + 0)).as("it has this one").isEqualTo(ReasonCode.GRANTED_QOS_1);
        var ended = new Packet.Unsubscribe(3, List.of(LONG + 0), Properties.NONE);
        known.send(ended).next(Packet.UnsubAck.class);
        assertThat(subscribe(live, 2, LONG)).isEqualTo(ReasonCode.GRANTED_QOS_1);
    }

    @Test
    void whatPostgresqlHoldsAboveTheBoundIsKeptAndCounted() {
        for (int i = 0; i < 3; i++) subscribe(rig.connect("c" + i, true), 1, LONG + i);
        end();
        begin(500);
        await().until(() -> bytes() == 900);
        assertThat(figure("sluice.subscriptions.above.bound")).isEqualTo(2);
        var publisher = rig.connect("publisher", false);
        assertThat(subscribe(publisher, 1, "t")).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        for (int i = 0; i < 3; i++) {
            publisher.publish(i + 2, ONE, false, LONG + i, "m").next(Packet.PubAck.class);
            var owed = rig.resume("c" + i).next(Packet.Publish.class);
            assertThat(owed.topicName()).hasToString(LONG + i);
        }
    }
}
