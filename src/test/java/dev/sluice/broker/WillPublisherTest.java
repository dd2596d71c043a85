package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.rule.Action;
import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.RequesterJson;
import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleFilter;
import dev.sluice.access.rule.Rules;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.access.rule.Subject;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Pools;
import dev.sluice.store.StandingLane;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.RetainedBounds;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.session.QueueLimit;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.support.Stopwatch;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.UplinkRig;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** With a Kafka that answers only when the test says so. */
@Tag("postgres")
class WillPublisherTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final Duration LEASE = Duration.ofSeconds(2);
    /** Of the only one that is due. */
    private static final String LEASED_UNTIL = "SELECT leased_until FROM will WHERE due_at IS NOT NULL";

    private static final int MOST_RETAINED = 3000;

    private final UplinkRig kafka = new UplinkRig(
            Map.of("routes.all.filter", "presence/#", "routes.all.kafka-topic", "t", "unmatched", "drop"));
    private final Router router = new Router();
    private final LocalRelay relay = LocalRelay.alone();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    /** That were taken from the pool. */
    private final AtomicInteger connections = new AtomicInteger();

    private AgroalDataSource pool;
    private StoreRig rig;
    private final RulesInForce rules = new RulesInForce();
    private final AtomicBoolean isReady = new AtomicBoolean(true);
    private WillPublisher publisher;

    @BeforeEach
    void start() {
        SERVER.empty();
        pool = Pools.patient(SERVER);
        rig = new StoreRig(
                Pools.counting(pool, connections), StoreRig.Settings.ONE_LANE, new RetainedBounds(MOST_RETAINED, 0));
        var deliveries = new Deliveries(1000);
        publisher = new WillPublisher(
                rig.wills,
                rules,
                kafka.uplink,
                rig.journal,
                RemoteRouting.join(relay, relay, router, deliveries, rig.journal, meters),
                rig.retainedTopics,
                deliveries,
                new BrokerMeters(meters),
                () -> false);
        publisher.start(LEASE, isReady::get);
    }

    @AfterEach
    void stop() {
        publisher.stop();
        rig.close();
        pool.close();
        relay.close();
    }

    private static Will will(String topic, Properties properties) {
        var payload = "offline".getBytes(StandardCharsets.UTF_8);
        return new Will(TopicName.of(topic), QoS.AT_LEAST_ONCE, true, properties, payload);
    }

    /** The client is back after its connection was lost; returns its due wills. */
    private List<Long> lostAndBack(String clientId, String topic) {
        return lostAndBack(clientId, will(topic, Properties.NONE));
    }

    private List<Long> lostAndBack(String clientId, Will will) {
        var epoch = rig.open(clientId, false, 60, will).epoch();
        rig.submit(done -> new CloseSession(clientId, epoch, 60, 0x80, 0, true, done))
                .join();
        return rig.open(clientId, false, 60, will).dueWills();
    }

    private String count(String table, String condition) {
        return SERVER.value("SELECT count(*) FROM " + table + " WHERE " + condition);
    }

    private double published() {
        return wills("published");
    }

    private double wills(String outcome) {
        return meters.get("sluice.wills").tag("outcome", outcome).counter().count();
    }

    @Test
    void noWillIsToldBeforeItIsKnownWhoIsSubscribed() {
        isReady.set(false);
        var due = lostAndBack("device", "presence/device");
        var ahead = publisher.ahead(due, () -> false);
        publisher.poke();
        assertThat(ahead.awaitTold(Duration.ofMillis(200))).isFalse();
        isReady.set(true);
        assertThat(ahead.awaitTold(Duration.ofSeconds(20))).isTrue();
    }

    /** Subscribers who are away count as told when PostgreSQL has their copies. */
    @Test
    void aWillIsToldAndRetainedWithoutKafka() {
        var watcher = rig.open("watcher", false, 60);
        router.restore(
                "watcher",
                watcher.id(),
                0,
                List.of(new StoredSubscription("presence/#", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
        var ids = lostAndBack("device", "presence/device");
        assertThat(ids).hasSize(1);

        var ahead = publisher.ahead(ids, () -> false);

        assertThat(ahead.awaitTold(SOON)).isTrue();
        assertThat(count("retained", "topic = 'presence/device'")).isEqualTo("1");
        assertThat(count("queued", "session_id = " + watcher.id())).isEqualTo("1");
        assertThat(count("will", "delivered AND due_at IS NOT NULL")).isEqualTo("1");
        assertThat(ahead.arePublished()).as("Kafka has not answered").isFalse();

        await().until(() -> kafka.producer.sent.size() == 1);
        kafka.producer.answer();
        await().until(ahead::arePublished);
        await().until(() -> count("will", "due_at IS NOT NULL").equals("0"));
        assertThat(published()).isEqualTo(1);
    }

    /** With the groups that its client had, though the client is gone. */
    @Test
    void aWillIsJudgedByWhoBroughtIt() {
        var drivers = new Rule(
                "drivers",
                Subject.group("drivers"),
                Rule.Effect.ALLOW,
                Set.of(Action.PUBLISH),
                RuleFilter.of("presence/{claim.tenant}/#"),
                QoS.AT_LEAST_ONCE,
                true,
                0);
        rules.use(Rules.of(List.of(drivers), OverlappingDeny.REFUSE));
        await().until(rig.health::available);
        for (var group : List.of("drivers", "others")) {
            var requester = new Requester(group, "ann", Set.of(group), Map.of("tenant", "acme"), List.of());
            var request = new OpenRequest(
                    group,
                    true,
                    5,
                    0,
                    "ann",
                    "node-1",
                    StoreRig.SEND_QUOTA,
                    will("presence/acme/" + group, Properties.NONE),
                    RequesterJson.write(requester),
                    QueueLimit.NONE);
            var epoch = rig.sessions.open(request, SOON).epoch();
            rig.submit(done -> new CloseSession(group, epoch, 0, 0x80, 0, true, done))
                    .join();
        }
        publisher.poke();
        await().until(() -> wills("refused") == 1 && count("retained", "true").equals("1"));
        assertThat(count("retained", "topic = 'presence/acme/drivers'")).isEqualTo("1");
    }

    /** Subscribers get it all the same; a topic that has a retained message gets the new one, also if that is another gateway's. */
    @Test
    void aWillIsNotRetainedWhereNoMoreMayBe() {
        SERVER.execute(
                "INSERT INTO retained (topic, qos, payload) SELECT 'presence/' || n, 1, 'online' FROM generate_series(1, "
                        + MOST_RETAINED + ") n");
        rig.retainedTopics.load(() -> false);
        SERVER.execute("INSERT INTO retained (topic, qos, payload) VALUES ('presence/elsewhere', 1, 'online')");
        var watcher = rig.open("watcher", false, 60);
        router.restore(
                "watcher",
                watcher.id(),
                0,
                List.of(new StoredSubscription("presence/#", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
        for (var topic : List.of("presence/new", "presence/7", "presence/elsewhere"))
            assertThat(publisher
                            .ahead(lostAndBack("of " + topic, topic), () -> false)
                            .awaitTold(SOON))
                    .isTrue();
        assertThat(count("queued", "session_id = " + watcher.id())).isEqualTo("3");
        assertThat(count("retained", "topic = 'presence/new'")).isEqualTo("0");
        assertThat(count("retained", "payload = 'offline'")).isEqualTo("2");
        assertThat(meters.get("sluice.retained.refused").counter().count()).isEqualTo(1);
        await().until(() -> kafka.producer.sent.size() == 3);
    }

    @Test
    void aWillWithoutARouteIsForSubscribersAlone() {
        var ahead = publisher.ahead(lostAndBack("device", "elsewhere"), () -> false);
        await().until(ahead::arePublished);
        assertThat(count("retained", "topic = 'elsewhere'")).isEqualTo("1");
        assertThat(kafka.producer.sent).isEmpty();
    }

    /** Of an earlier gateway that was killed before Kafka had it. */
    @Test
    void whatPostgresHasIsNotKeptOnceMore() {
        var ids = lostAndBack("device", "presence/device");
        SERVER.execute("UPDATE will SET delivered = true WHERE id = " + ids.getFirst());
        publisher.poke();
        await().until(() -> kafka.producer.sent.size() == 1);
        assertThat(count("retained", "true")).isEqualTo("0");
    }

    /** More than wait for Kafka in memory: all are told, and Kafka gets them one after the other. */
    @Test
    void aFleetThatIsLostWhileKafkaIsAwayIsTold() {
        SERVER.execute("""
                INSERT INTO will (client_id, delay_seconds, due_at, topic, qos, retain, payload)
                SELECT 'c' || n, 0, now(), 'presence/' || n, 1, true, 'offline' FROM generate_series(1, 3000) n""");
        publisher.poke();
        await().until(() -> count("retained", "true").equals("3000"));
        assertThat(count("will", "true")).isEqualTo("3000");
        assertThat(kafka.producer.sent).hasSizeLessThan(1500);
        await().until(() -> {
            while (!kafka.producer.unanswered.isEmpty()) kafka.producer.answer();
            return count("will", "true").equals("0");
        });
        assertThat(published()).isEqualTo(3000);
        assertThat(kafka.producer.sent).hasSize(3000);
    }

    @Test
    void aWillOfATimeWithWiderBoundsIsRefused() {
        var properties = Properties.NONE;
        for (int i = 0; i < 100; i++) properties = properties.withUserProperty("", "");
        var ahead = publisher.ahead(lostAndBack("device", will("presence/device", properties)), () -> false);
        await().until(ahead::arePublished);
        assertThat(wills("refused")).isEqualTo(1);
        assertThat(count("retained", "true")).isEqualTo("0");
        assertThat(kafka.producer.sent).isEmpty();
    }

    /** However long the outage lasts: the lease does not run out, so that no other gateway publishes it meanwhile. */
    @Test
    void aWillThatKafkaTakesLateIsPublishedOnce() throws Exception {
        publisher.ahead(lostAndBack("device", "presence/device"), () -> false);
        await().until(() -> kafka.producer.sent.size() == 1);
        Stopwatch.inTime(() -> {
            for (int renewals = 0; renewals < 3; renewals++) {
                var until = SERVER.value(LEASED_UNTIL);
                await().until(() -> !SERVER.value(LEASED_UNTIL).equals(until));
                assertThat(count("will", "leased_until - interval '%d s' < '%s'".formatted(LEASE.toSeconds(), until)))
                        .as("renewed in time")
                        .isEqualTo("1");
                assertThat(rig.wills.claimDelivered(1, 1 << 20, LEASE)).isEmpty();
            }
        });
        kafka.producer.answer();
        await().until(() -> count("will", "due_at IS NOT NULL").equals("0"));
        assertThat(kafka.producer.sent).hasSize(1);
    }

    /** PostgreSQL was away for longer than the lease: what Kafka's producer has is not given to it again. */
    @Test
    void aLeaseThatRunsOutDoesNotMakeItsOwnerPublishAgain() {
        publisher.ahead(lostAndBack("device", "presence/device"), () -> false);
        await().until(() -> kafka.producer.sent.size() == 1);
        SERVER.execute("UPDATE will SET leased_until = NULL, leased_by = NULL");
        await().until(() -> count("will", "leased_until > now()").equals("1"));
        assertThat(kafka.producer.sent).hasSize(1);
    }

    @Test
    void whatKafkaTakesWhileTheGatewayStopsIsNotLeftForTheNextRun() throws Exception {
        publisher.ahead(lostAndBack("device", "presence/device"), () -> false);
        await().until(() -> kafka.producer.sent.size() == 1);
        var stopping = new AtomicReference<Thread>();
        publisher.execute(() -> {
            await().until(() -> stopping.get() != null && waitsOrIsOver(stopping.get()));
            kafka.producer.answer();
        });
        stopping.set(Thread.ofVirtual().start(publisher::stop));
        stopping.get().join();
        await().until(() -> count("will", "due_at IS NOT NULL").equals("0"));
    }

    /** For the end of the publisher's thread, which is to end. */
    private static boolean waitsOrIsOver(Thread stopping) {
        return Set.of(Thread.State.TIMED_WAITING, Thread.State.TERMINATED).contains(stopping.getState());
    }

    /** It had claimed the will, and stood still: by then, others have published it, and the client something newer. */
    @Test
    void aGatewayThatWasBuriedLeavesTheWillToOthers() throws Exception {
        rig.run.begin(SERVER.register());
        isReady.set(false);
        var watcher = rig.open("watcher", false, 60);
        router.restore(
                "watcher",
                watcher.id(),
                0,
                List.of(new StoredSubscription("presence/#", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
        var epoch = rig.open("device", false, 60, will("presence/device", Properties.NONE))
                .epoch();
        rig.submit(done -> new CloseSession("device", epoch, 60, 0x80, 0, true, done))
                .join();
        var lane = StandingLane.of(rig.journal);
        isReady.set(true);
        publisher.poke();
        await().until(() -> rig.meters.get("sluice.journal.queued").gauge().value() == 1);
        isReady.set(false);
        while (!SERVER.value("SELECT count(*) FROM node").equals("0"))
            rig.burial.buryDead(rig.burial.signs("gravedigger"), (_, _) -> {}, () -> false);

        lane.release();

        await().until(() -> rig.meters.get("sluice.journal.fenced").counter().count() == 1);
        assertThat(count("queued", "true")).isEqualTo("0");
        assertThat(count("retained", "topic = 'presence/device'")).isEqualTo("0");
        rig.run.begin(SERVER.register());
        isReady.set(true);
        publisher.poke();
        await().until(() -> kafka.producer.sent.size() == 1);
        assertThat(count("queued", "true")).as("once").isEqualTo("1");
        kafka.producer.answer();
        await().until(() -> count("will", "true").equals("0"));
        assertThat(wills("refused")).isZero();
    }

    @Test
    void whatAMemberThatWasDeletedWouldGetIsAnothers() {
        for (var member : List.of("ghost", "heir")) {
            var session = rig.open(member, false, 60);
            router.restore(
                    member,
                    session.id(),
                    0,
                    List.of(new StoredSubscription("$share/g/presence/#", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
        }
        SERVER.execute("DELETE FROM session WHERE client_id = 'ghost'");
        for (int i = 0; i < 4; i++) {
            var ahead = publisher.ahead(lostAndBack("device" + i, "presence/device" + i), () -> false);
            assertThat(ahead.awaitTold(SOON)).isTrue();
        }
        assertThat(count("queued", "true")).isEqualTo("4");
    }

    /** As many as a killed gateway leaves: each answer of Kafka costs no transaction, and no look at all others. */
    @Test
    void willsAreDeletedTogether() {
        SERVER.execute("""
                INSERT INTO will (client_id, delay_seconds, due_at, delivered, topic, qos, retain, payload)
                SELECT 'c' || n, 0, now(), true, 'presence/' || n, 1, false, 'offline' FROM generate_series(1, 1000) n""");
        publisher.poke();
        await().until(() -> kafka.producer.sent.size() == 1000);
        var before = connections.get();
        while (!kafka.producer.unanswered.isEmpty()) kafka.producer.answer();
        await().until(() -> count("will", "true").equals("0"));
        assertThat(connections.get() - before).isLessThan(100);
    }
}
