package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.rule.RulesInForce;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.FakeRecipient;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.Router;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StandingLane;
import dev.sluice.store.StoreRig;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.uplink.UplinkRig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A will reaches the connected clients of all gateways, whichever of them publishes it. Kafka answers only when the test says so. */
@Tag("postgres")
class WillsAcrossGatewaysTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration LEASE = Duration.ofMinutes(5);

    private final UplinkRig kafka = new UplinkRig(
            Map.of("routes.all.filter", "presence/#", "routes.all.kafka-topic", "t", "unmatched", "drop"));
    private final Router router = new Router();
    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay here = new LocalRelay(board, "here");
    private final LocalRelay there = new LocalRelay(board, "there");
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    private StoreRig rig;
    private WillPublisher publisher;
    private Client connected;
    private Client stored;

    /** Connected to this gateway. */
    private record Client(String clientId, Queue<Delivery> taken) implements FakeRecipient {
        Client(String clientId) {
            this(clientId, new ConcurrentLinkedQueue<>());
        }

        @Override
        public void delivered(Delivery delivery) {
            taken.add(delivery);
        }
    }

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        var deliveries = new Deliveries(1000);
        publisher = new WillPublisher(
                rig.wills,
                new RulesInForce(),
                kafka.uplink,
                rig.journal,
                RemoteRouting.join(here, here, router, deliveries, rig.journal, meters),
                rig.retainedTopics,
                deliveries,
                new BrokerMeters(meters),
                () -> false);
        here.join();
        there.join();
        var seen = new CompletableFuture<Void>();
        there.announce(new Interest(List.of(new Wanted("#", Reach.ALL))), () -> seen.complete(null));
        seen.orTimeout(60, TimeUnit.SECONDS).join();
        connected = subscribe("connected", false);
        stored = subscribe("stored", true);
        publisher.start(LEASE, () -> true);
    }

    @AfterEach
    void stop() {
        publisher.stop();
        rig.close();
        here.close();
        there.close();
    }

    private Client subscribe(String clientId, boolean durable) {
        var client = new Client(clientId);
        var filter = TopicFilter.of("+/device");
        var subscription = new StoredSubscription(filter.toString(), QoS.AT_LEAST_ONCE, false, false, 0, 0);
        router.subscribe(client, durable, filter, subscription);
        return client;
    }

    /** Some that are due. */
    private void wills(String topics, boolean delivered, String leasedBy) {
        SERVER.execute(
                "INSERT INTO will (client_id, delay_seconds, due_at, delivered, leased_by, topic, qos, retain, payload)"
                        + " SELECT 'device', 0, now(), %s, %s, topic, 1, false, 'offline' FROM (%s) AS t(topic)"
                                .formatted(delivered, leasedBy, topics));
        publisher.poke();
    }

    private void will(String topic, boolean delivered, String leasedBy) {
        wills("VALUES ('" + topic + "')", delivered, leasedBy);
    }

    private String count(String condition) {
        return SERVER.value("SELECT count(*) FROM will WHERE " + condition);
    }

    /** On the publisher's thread. */
    private void answer() {
        while (!kafka.producer.unanswered.isEmpty()) kafka.producer.answer();
    }

    private long lives() {
        return here.sent().stream().filter(Live.class::isInstance).count();
    }

    /** It may have told nobody but PostgreSQL. */
    @Test
    void whatAnotherGatewayHasLeftIsToldToAllWhoAreConnected() {
        will("presence/device", true, "NULL");
        await().until(() -> kafka.producer.sent.size() == 1);
        assertThat(connected.taken()).hasSize(1);
        assertThat(lives()).isEqualTo(1);
        assertThat(stored.taken()).as("PostgreSQL has its copy").isEmpty();
    }

    @Test
    void whatClientsOfAllGatewaysHaveIsForKafkaAlone() {
        will("presence/device", true, "'there'");
        await().until(() -> kafka.producer.sent.size() == 1);
        assertThat(connected.taken()).isEmpty();
        assertThat(lives()).isZero();
    }

    /** As many as are under way at once, after many clients are lost. */
    @Test
    void othersAreToldThoughRecordsWaitForKafka() {
        wills("SELECT 'presence/' || n FROM generate_series(1, 1024) n", true, "'there'");
        await().until(() -> kafka.producer.sent.size() == 1024);
        will("presence/device", false, "NULL");
        await().until(() -> lives() == 1);
        await("until it waits without a lease")
                .until(() -> count("leased_until IS NULL").equals("1"));
        assertThat(connected.taken()).hasSize(1);
        await().until(() -> {
            publisher.execute(this::answer);
            return count("true").equals("0");
        });
        assertThat(kafka.producer.sent).hasSize(1025);
        assertThat(connected.taken()).hasSize(1);
        assertThat(lives()).isEqualTo(1);
    }

    /** It found nothing when it read what is retained: its SUBACK was before the commit. */
    @Test
    void whoSubscribesElsewhereWhileAWillIsWrittenGetsIt() {
        var subscription = List.of(new StoredSubscription("+/device", QoS.AT_LEAST_ONCE, false, false, 0, 0));
        var before = rig.open("before", false, 60).id();
        router.restore("before", before, 0, subscription);
        var newcomer = rig.open("newcomer", false, 60).id();
        var lane = StandingLane.of(rig.journal);
        SERVER.execute("INSERT INTO will (client_id, delay_seconds, due_at, topic, qos, retain, payload)"
                + " VALUES ('device', 0, now(), 'presence/device', 1, true, 'offline')");
        publisher.poke();
        await().until(() -> count("leased_until IS NOT NULL").equals("1"));
        var routed = new CompletableFuture<Void>();
        publisher.execute(() -> routed.complete(null));
        routed.orTimeout(60, TimeUnit.SECONDS).join();

        router.restore("newcomer", newcomer, 0, subscription);
        lane.release();

        await().until(() -> kafka.producer.sent.size() == 1);
        assertThat(SERVER.value("SELECT string_agg(session_id::text, ' ' ORDER BY session_id) FROM queued"))
                .isEqualTo(before + " " + newcomer);
    }

    /** It is deleted only once Kafka has it for the other gateway, too. */
    @Test
    void whatOthersCouldNotBeToldIsToldAgainToThemAlone() {
        here.answerLate();
        will("elsewhere/device", false, "NULL");
        await().until(() -> lives() == 1);
        here.answer(false);
        await().until(() -> lives() == 2);
        assertThat(count("delivered")).isEqualTo("1");
        here.answer(true);
        await().until(() -> count("true").equals("0"));
        assertThat(lives()).isEqualTo(2);
        assertThat(connected.taken()).hasSize(1);
    }
}
