package dev.sluice.store.session;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.session.Wills.DueWill;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class WillTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration LEASE = Duration.ofMinutes(1);
    private static final long BYTES = 1 << 20;
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
    void aWillIsHandedOutAsItWasGiven() {
        var properties = Properties.NONE
                .with(Property.WILL_DELAY_INTERVAL, 0)
                .with(Property.MESSAGE_EXPIRY_INTERVAL, 7)
                .withUserProperty("n", "v");
        var will = new Will(TopicName.of("w/ü"), QoS.EXACTLY_ONCE, true, properties, new byte[] {0, -1});
        var epoch = rig.open("c", false, 60, will).epoch();
        assertThat(claim()).as("while connected").isEmpty();

        close("c", epoch, 60, true);

        assertThat(rig.wills.claimDue(10, BYTES, LEASE)).singleElement().satisfies(due -> {
            assertThat(due.clientId()).isEqualTo("c");
            assertThat(due.will())
                    .usingRecursiveComparison()
                    .withEqualsForType(Object::equals, TopicName.class)
                    .withEqualsForType(Object::equals, Properties.class)
                    .isEqualTo(will);
            rig.wills.published(List.of(due.id()));
        });
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
    }

    @Test
    void aNormalDisconnectDeletesTheWill() {
        close("lives", rig.open("lives", false, 60, will("a", 0)).epoch(), 60, false);
        close("ends", rig.open("ends", false, 0, will("b", 0)).epoch(), 0, false);

        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
    }

    @Test
    void aWillIsDueAfterItsDelayOrWithTheEndOfItsSession() {
        close("a", rig.open("a", false, 60, will("delay", 20)).epoch(), 60, true);
        close("b", rig.open("b", false, 60, will("expiry", 100)).epoch(), 60, true);
        close(
                "c",
                rig.open("c", false, StoreRig.NEVER, will("long delay", 4_294_967_295L))
                        .epoch(),
                StoreRig.NEVER,
                true);
        close("d", rig.open("d", false, 60, will("ended", 100)).epoch(), 0, true);
        close("e", rig.open("e", false, 0, will("no session", 100)).epoch(), 0, true);

        assertThat(dueIn("delay")).isEqualTo(20);
        assertThat(dueIn("expiry")).isEqualTo(60);
        assertThat(dueIn("long delay")).isEqualTo(4_294_967_295L);
        assertThat(claim()).containsExactlyInAnyOrder("ended", "no session");
    }

    @Test
    void aSessionThatIsResumedInTimeWithdrawsTheWill() {
        close("in time", rig.open("in time", false, 60, will("delayed", 20)).epoch(), 60, true);
        close("late", rig.open("late", false, 60, will("passed", 20)).epoch(), 60, true);
        SERVER.execute("UPDATE will SET due_at = now() WHERE topic = 'passed'");

        rig.open("in time", false, 60, will("new", 0));
        rig.open("late", false, 60);

        assertThat(claim()).containsExactly("passed");
        assertThat(SERVER.value("SELECT topic FROM will WHERE due_at IS NULL")).isEqualTo("new");
    }

    @Test
    void aTakeOverPublishesOnlyAWillWithoutDelay() {
        rig.open("delayed", false, 60, will("delayed", 20));
        rig.open("at once", false, 60, will("at once", 0));
        rig.open("delayed", false, 60);
        rig.open("at once", false, 60, will("of the new connection", 0));

        assertThat(claim()).containsExactly("at once");
        assertThat(SERVER.value("SELECT topic FROM will WHERE due_at IS NULL")).isEqualTo("of the new connection");
    }

    @Test
    void aCleanStartEndsTheSessionAndPublishesItsWill() {
        rig.open("connected", false, 60, will("of the connection", 20));
        close("closed", rig.open("closed", false, 60, will("delayed", 20)).epoch(), 60, true);
        rig.open("connected", true, 60, will("new", 0));
        rig.open("closed", true, 60);

        assertThat(claim()).containsExactlyInAnyOrder("of the connection", "delayed");
    }

    @Test
    void anEarlierOwnerDoesNotTouchTheWill() {
        var lost = rig.open("c", false, 60, will("of the lost", 20)).epoch();
        var epoch = rig.open("c", false, 60, will("of the new", 0)).epoch();

        rig.submit(done -> new CloseSession("c", lost, 60, 0, 0, true, done)).join();
        assertThat(claim()).isEmpty();
        close("c", epoch, 60, true);
        assertThat(claim()).containsExactly("of the new");
    }

    @Test
    void willsOfAKilledGatewayFallDue() throws Exception {
        rig.open("a", false, 60, will("delayed", 20));
        rig.open("b", false, 60, will("at once", 0));
        rig.open("c", false, 0, will("ended", 20));

        rig.reclaim("node-1");

        assertThat(claim()).containsExactlyInAnyOrder("at once", "ended");
        assertThat(dueIn("delayed")).isEqualTo(20);
    }

    @Test
    void aSweptSessionTakesItsWillAlong() throws Exception {
        close("c", rig.open("c", false, 60, will("w", 60)).epoch(), 60, true);
        SERVER.execute("UPDATE session SET expires_at = now()");

        rig.expiry.sweep();

        assertThat(claim()).containsExactly("w");
    }

    @Test
    void aLeaseThatRunsOutLetsAnotherPublish() {
        close("c", rig.open("c", false, 0, will("w", 0)).epoch(), 0, true);

        assertThat(rig.wills.claimDue(10, BYTES, Duration.ofMinutes(10))).hasSize(1);
        assertThat(claim()).isEmpty();
        SERVER.execute("UPDATE will SET leased_until = leased_until - interval '8 minutes'");
        assertThat(claim()).isEmpty();
        SERVER.execute("UPDATE will SET leased_until = leased_until - interval '2 minutes'");
        assertThat(claim()).containsExactly("w");
    }

    @Test
    void whatAGatewayWasPublishingWhenItWasKilledIsDueWhenItIsBack() throws Exception {
        close("c", rig.open("c", false, 0, will("w", 0)).epoch(), 0, true);

        assertThat(rig.wills.claimDue(10, BYTES, LEASE)).hasSize(1);
        rig.reclaim("another");
        assertThat(claim()).isEmpty();
        rig.reclaim(StoreRig.NODE.id());
        assertThat(claim()).containsExactly("w");
    }

    @Test
    void eachWillGoesToOneClaimer() throws Exception {
        SERVER.execute(
                "INSERT INTO will (client_id, delay_seconds, due_at, topic, qos, retain, payload)"
                        + " SELECT 'c' || n, 0, now() - n * interval '1 s', 't' || n, 0, false, '' FROM generate_series(1, 400) n");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<List<DueWill>> claiming = () -> rig.wills.claimDue(20, BYTES, LEASE);
            var claimed = threads
                    .invokeAll(IntStream.range(0, 10).mapToObj(_ -> claiming).toList())
                    .stream()
                    .flatMap(it -> it.resultNow().stream())
                    .map(DueWill::id)
                    .toList();
            assertThat(claimed).hasSize(200).doesNotHaveDuplicates();
        }
        assertThat(rig.wills.claimDue(2, BYTES, LEASE))
                .extracting(DueWill::clientId)
                .containsExactly("c200", "c199");
    }

    /** A thousand of them must not fill the heap at once: one is enough for a batch if it is large. */
    @Test
    void willsAreHandedOutByTheirBytes() {
        var large = new Will(TopicName.of("w"), QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[100_000]);
        for (int i = 0; i < 5; i++)
            close("c" + i, rig.open("c" + i, false, 0, large).epoch(), 0, true);

        assertThat(rig.wills.claimDue(10, 1, LEASE)).hasSize(1);
        assertThat(rig.wills.claimDue(10, 250_000, LEASE)).hasSize(3);
        assertThat(rig.wills.claimDue(10, 250_000, LEASE)).hasSize(1);
    }

    @Test
    void aWillKnowsItsUserName() {
        close("c", rig.open("c", false, 0, will("w", 0)).epoch(), 0, true);
        assertThat(rig.wills.claimDue(1, 1, LEASE))
                .extracting(DueWill::username)
                .containsExactly("someone");
    }

    @Test
    void whoOpensASessionHearsOfItsDueWills() {
        assertThat(rig.open("c", false, 60, will("first", 0)).dueWills()).isEmpty();
        var taken = rig.open("c", false, 60, will("second", 20));
        assertThat(taken.dueWills()).hasSize(1);
        assertThat(rig.wills.claim(taken.dueWills(), 10, BYTES, LEASE))
                .extracting(due -> due.will().topicName().toString())
                .containsExactly("first");
        assertThat(rig.open("c", true, 0).dueWills())
                .as("of the session that has ended, too")
                .hasSize(2);
        assertThat(rig.open("other", true, 0).dueWills()).isEmpty();
    }

    /** They wait for Kafka alone. */
    @Test
    void aWillThatIsDeliveredIsHandedOutForKafka() {
        close("c", rig.open("c", false, 0, will("w", 0)).epoch(), 0, true);
        var due = rig.wills.claimDue(1, 1, LEASE).getFirst();
        assertThat(rig.wills.delivered(List.of(due.id()))).containsValue(false);

        rig.submit(done -> Accept.ofWill("c", due.id(), Message.of(due.will(), 0), List.of(), done))
                .join();
        rig.wills.giveBack(List.of(due.id()), List.of(), List.of());

        assertThat(rig.wills.delivered(List.of(due.id()))).containsValue(true);
        assertThat(claim()).isEmpty();
        assertThat(rig.wills.claimDelivered(1, 1, LEASE))
                .extracting(DueWill::delivered)
                .containsExactly(true);
    }

    /** This gateway was frozen, and its claims were freed. */
    @Test
    void whatOthersHaveClaimedIsTheirs() {
        close("c", rig.open("c", false, 0, will("w", 0)).epoch(), 0, true);
        var ids = List.of(rig.wills.claimDue(1, 1, LEASE).getFirst().id());
        SERVER.execute("UPDATE will SET leased_by = 'node-2', leased_until = 'infinity'");

        rig.wills.renew(ids, ids, LEASE);
        rig.wills.giveBack(ids, ids, ids);

        assertThat(SERVER.value("SELECT leased_by || ' ' || leased_until || ' ' || delivered FROM will"))
                .isEqualTo("node-2 infinity false");
    }

    private void close(String clientId, long epoch, long expiry, boolean publishWill) {
        assertThat(rig.submit(done -> new CloseSession(clientId, epoch, expiry, 0, 0, publishWill, done))
                        .join())
                .isEqualTo(COMMITTED);
    }

    private List<String> claim() {
        return rig.wills.claimDue(10, BYTES, LEASE).stream()
                .map(due -> due.will().topicName().toString())
                .toList();
    }

    private static long dueIn(String topic) {
        return Math.round(Double.parseDouble(
                SERVER.value("SELECT extract(epoch FROM due_at - now()) FROM will WHERE topic = '" + topic + "'")));
    }

    private static Will will(String topic, long delay) {
        return new Will(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                delay == 0 ? Properties.NONE : Properties.NONE.with(Property.WILL_DELAY_INTERVAL, delay),
                "gone".getBytes(StandardCharsets.UTF_8));
    }
}
