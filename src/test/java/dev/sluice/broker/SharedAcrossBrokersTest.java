package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.BrokerRig.Client;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.topic.TopicName;
import io.agroal.api.AgroalDataSource;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A Shared Subscription with members at three gateways: three brokers in one JVM, with no route to Kafka. */
@Tag("postgres")
class SharedAcrossBrokersTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Map<String, String> NO_ROUTES = Map.of("unmatched", "drop");
    private static final String SHARE = "$share/g/t";

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final List<BrokerRig> brokers = new ArrayList<>();
    private AgroalDataSource pool;
    private StoreRig store;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        store = new StoreRig(pool, StoreRig.Settings.ONE_LANE);
        for (var id : List.of("a", "b", "c"))
            brokers.add(new BrokerRig(new LocalRelay(board, id), store, store.retainedTopics, NO_ROUTES));
        settle();
    }

    @AfterEach
    void stop() {
        brokers.forEach(BrokerRig::close);
        store.close();
        pool.close();
    }

    private void settle() {
        for (int i = 0; i < 3; i++) brokers.forEach(BrokerRig::settle);
    }

    private Client member(int at, String clientId, QoS qos) {
        return member(at, clientId, qos, SHARE);
    }

    private Client member(int at, String clientId, QoS qos, String share) {
        var member = brokers.get(at).connect(clientId, false).subscribe(1, qos, share);
        member.next(Packet.SubAck.class);
        return member;
    }

    /** Acknowledged by the gateway. */
    private static void publish(Client publisher, QoS qos, int number) {
        publisher.publish(qos == QoS.AT_MOST_ONCE ? 0 : number, qos, false, "t", "m" + number);
        if (qos == QoS.AT_LEAST_ONCE)
            assertThat(publisher.next(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        if (qos != QoS.EXACTLY_ONCE) return;
        assertThat(publisher.next(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        publisher.send(new Packet.PubRel(number));
        publisher.next(Packet.PubComp.class);
    }

    private static String payload(Packet.Publish publish) {
        return new String(publish.payload());
    }

    @Test
    void eachMessageGoesToOneMemberOfTheFleet() {
        for (var qos : QoS.values()) {
            var members = new ArrayList<Client>();
            for (int i = 0; i < 3; i++) members.add(member(i, "member" + i + qos, qos, "$share/" + qos + "/t"));
            var publisher = brokers.getFirst().connect("publisher" + qos, false);
            for (int i = 1; i <= 6; i++) publish(publisher, qos, i);
            settle();
            var texts = new ArrayList<String>();
            for (var member : members) {
                for (int i = 0; i < 2; i++) {
                    var taken = member.next(Packet.Publish.class);
                    assertThat(taken.qos()).isEqualTo(qos);
                    texts.add(payload(taken));
                    if (qos == QoS.AT_LEAST_ONCE) member.send(new Packet.PubAck(taken.packetId()));
                }
                member.hasGotNothing();
            }
            assertThat(texts).containsExactlyInAnyOrder("m1", "m2", "m3", "m4", "m5", "m6");
            members.forEach(Client::leave);
            settle();
        }
    }

    @Test
    void identifiersQoSAndExpiryHoldElsewhere() {
        var member = brokers.get(1).connect("member", false);
        member.send(new Packet.Subscribe(
                1,
                List.of(new Subscription(SHARE, QoS.AT_LEAST_ONCE, false, false, 0)),
                Properties.NONE.withSubscriptionIdentifiers(List.of(7))));
        member.next(Packet.SubAck.class);
        var publisher = brokers.getFirst().connect("publisher", false);
        publisher.send(new Packet.Publish(
                false,
                QoS.EXACTLY_ONCE,
                false,
                TopicName.of("t"),
                1,
                Properties.NONE.with(Property.MESSAGE_EXPIRY_INTERVAL, 60L),
                "m".getBytes()));
        publisher.next(Packet.PubRec.class);
        var taken = member.next(Packet.Publish.class);
        assertThat(taken.qos()).isEqualTo(QoS.AT_LEAST_ONCE);
        assertThat(taken.properties().subscriptionIdentifiers()).containsExactly(7);
        assertThat(taken.properties().number(Property.MESSAGE_EXPIRY_INTERVAL, 0))
                .isBetween(1L, 60L);
    }

    @Test
    void whoHasUnsubscribedIsChosenNowhere() {
        var leaving = member(1, "leaving", QoS.AT_LEAST_ONCE);
        var staying = member(2, "staying", QoS.AT_LEAST_ONCE);
        settle();
        brokers.getFirst().relay.ignore();
        leaving.send(new Packet.Unsubscribe(2, List.of(SHARE), Properties.NONE));
        leaving.hasGotNothing();
        brokers.getFirst().relay.listen();
        leaving.next(Packet.UnsubAck.class);
        var publisher = brokers.getFirst().connect("publisher", false);
        for (int i = 1; i <= 4; i++) publish(publisher, QoS.AT_LEAST_ONCE, i);
        for (int i = 1; i <= 4; i++)
            assertThat(payload(staying.next(Packet.Publish.class))).isEqualTo("m" + i);
        leaving.hasGotNothing();
    }

    /** It has not acknowledged them. */
    @Test
    void whatAMemberLeavesGoesToOneElsewhere() {
        var leaving = member(1, "leaving", QoS.AT_LEAST_ONCE);
        var publisher = brokers.getFirst().connect("publisher", false);
        for (int i = 1; i <= 3; i++) publish(publisher, QoS.AT_LEAST_ONCE, i);
        for (int i = 1; i <= 3; i++) leaving.next(Packet.Publish.class);
        var heir = member(2, "heir", QoS.AT_LEAST_ONCE);
        settle();
        leaving.leave();
        for (int i = 1; i <= 3; i++)
            assertThat(payload(heir.next(Packet.Publish.class))).isEqualTo("m" + i);
        heir.hasGotNothing();
    }

    /** Of a stored session, to one that is connected to the third gateway. */
    private Client leaveThreeMessages() {
        var away = brokers.get(1).connect("away", true).subscribe(1, QoS.AT_LEAST_ONCE, SHARE);
        away.next(Packet.SubAck.class);
        away.leave();
        settle();
        var publisher = brokers.getFirst().connect("publisher", false);
        for (int i = 1; i <= 3; i++) publish(publisher, QoS.AT_LEAST_ONCE, i);
        var heir = member(2, "heir", QoS.AT_LEAST_ONCE);
        settle();
        SERVER.execute("DELETE FROM session WHERE client_id = 'away'");
        return heir;
    }

    private void sweep(BrokerRig sweeper) throws SQLException {
        store.redelivery = sweeper.broker::redeliver;
        store.sweep.sweepEnded();
    }

    private static String queued() {
        return SERVER.value("SELECT count(*) FROM queued");
    }

    /** As at one gateway: QoS 1 only, once the session is over. */
    @Test
    void whatAStoredSessionLeavesGoesToOneElsewhere() throws Exception {
        var heir = leaveThreeMessages();
        sweep(brokers.getFirst());
        for (int i = 1; i <= 3; i++)
            assertThat(payload(heir.next(Packet.Publish.class))).isEqualTo("m" + i);
        assertThat(queued()).isEqualTo("0");
    }

    /** It came while Kafka was away, and serves with what PostgreSQL tells. */
    @Test
    void aGatewayThatHasNotHeardOfMembersElsewhereKeepsWhatAStoredSessionLeaves() throws Exception {
        var heir = leaveThreeMessages();
        var relay = new LocalRelay(board, "late");
        relay.ignore();
        relay.ready(false);
        var late = new BrokerRig(relay, store, store.retainedTopics, NO_ROUTES);
        brokers.add(late);
        late.kafka.isKafkaSilent = true;
        sweep(late);
        assertThat(queued()).isEqualTo("3");
        relay.ready(true);
        sweep(late);
        assertThat(queued()).as("others may have come meanwhile").isEqualTo("3");

        late.kafka.isKafkaSilent = false;
        relay.listen();
        settle();
        sweep(late);
        for (int i = 1; i <= 3; i++)
            assertThat(payload(heir.next(Packet.Publish.class))).isEqualTo("m" + i);
        heir.hasGotNothing();
        assertThat(queued()).isEqualTo("0");
    }
}
