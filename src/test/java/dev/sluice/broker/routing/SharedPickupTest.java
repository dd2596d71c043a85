package dev.sluice.broker.routing;

import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.session.Event;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.QueueReader.Row;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What waits for members of a Shared Subscription that are away goes to those that come. */
@Tag("postgres")
class SharedPickupTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String SHARE = "$share/g/t";
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final QoS TWO = QoS.EXACTLY_ONCE;

    private final Router router = new Router();
    private final Deliveries deliveries = new Deliveries(1000);
    private StoreRig rig;
    private SharedPickup pickup;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        pickup = new SharedPickup(
                router.shares(), rig.sharedQueues, deliveries, new UnfencedKeeping(rig.journal, () -> {}));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static StoredSubscription to(QoS qos, int identifier) {
        return new StoredSubscription(SHARE, qos, false, false, 0, identifier);
    }

    /** Its session waits in PostgreSQL. */
    private OpenedSession away(String clientId, long sentSeq) {
        var session = rig.open(clientId, true, 3600);
        router.restore(clientId, session.id(), 0, List.of(to(TWO, 0)));
        assertThat(rig.disconnect(clientId, session.epoch(), 3600, 0).join()).isEqualTo(Outcome.COMMITTED);
        SERVER.execute("UPDATE queue_out SET sent_seq = " + sentSeq + " WHERE session_id = " + session.id());
        return session;
    }

    private OpenedSession away(String clientId) {
        return away(clientId, 0);
    }

    /** A client that has come, with how far it has been told that its queue reaches. */
    private static final class Member extends LivingMember {
        private final List<Event> told = new ArrayList<>();

        Member(String clientId, OpenedSession session) {
            super(clientId, session.id(), session.epoch());
        }

        @Override
        public void tell(Event event) {
            told.add(event);
        }
    }

    private Member come(String clientId, StoredSubscription subscription) {
        var member = new Member(clientId, rig.open(clientId, true, 3600));
        router.attach(member, false, true, List.of(subscription));
        return member;
    }

    private void keep(String clientId, String text, QoS qos) {
        var copy = new Copy(clientId, Copy.ANY_SESSION, qos, false, List.of(), SHARE);
        rig.accept("p", of(qos, text, Message.NEVER), copy).join();
    }

    private static Message of(QoS qos, String text, long expiresAt) {
        return new Message(TopicName.of("t"), qos, false, Properties.NONE, text.getBytes(), expiresAt);
    }

    private List<Row> queued(String clientId) {
        return rig.queues.page(clientId, 0, 1000, 1 << 20).rows();
    }

    private List<String> texts(String clientId) {
        return queued(clientId).stream()
                .map(row -> new String(row.message().payload()))
                .toList();
    }

    private void pickUpAll() {
        for (int i = 0; i < 100 && pickup.pickUp(); i++) {
            // again, until nothing is found
        }
    }

    @Test
    void whoComesFirstGetsWhatWasNotSentToOthers() {
        for (var clientId : List.of("a", "b")) {
            away(clientId, 1);
            for (int i = 0; i < 50; i++) keep(clientId, clientId + i, i % 2 == 0 ? ONE : TWO);
        }
        rig.accept("p", message("own", "own"), new Copy("a", Copy.ANY_SESSION, ONE, false, List.of(), null))
                .join();
        assertThat(pickup.pickUp()).as("nobody is there").isFalse();
        var member = come("c", to(TWO, 7));
        pickUpAll();
        var expected = Stream.of("a", "b")
                .flatMap(clientId -> IntStream.range(1, 50).mapToObj(i -> clientId + i))
                .toList();
        assertThat(texts("c")).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(texts("c").stream().filter(text -> text.startsWith("a")))
                .as("in order")
                .containsExactlyElementsOf(expected.subList(0, 49));
        assertThat(queued("c")).allSatisfy(row -> {
            assertThat(row.qos()).isEqualTo(row.message().qos());
            assertThat(row.subscriptionIdentifiers()).containsExactly(7);
            assertThat(row.share()).isEqualTo(SHARE);
        });
        assertThat(texts("a")).containsExactly("a0", "own");
        assertThat(texts("b")).containsExactly("b0");
        assertThat(member.told).contains(new Event.Queued(98));
        assertThat(SERVER.value("SELECT string_agg(depth::text, ' ' ORDER BY client_id) FROM (SELECT s.client_id,"
                        + " q.count_in - o.count_out AS depth FROM session s JOIN queue q ON q.session_id = s.id"
                        + " JOIN queue_out o ON o.session_id = s.id) d"))
                .isEqualTo("2 1 98");
        assertThat(
                        SERVER.value(
                                "SELECT count(*) FROM queue q JOIN queue_out o USING (session_id)"
                                        + " WHERE q.bytes_in - o.bytes_out <> (SELECT sum(bytes) FROM queued r WHERE r.session_id = q.session_id)"))
                .isEqualTo("0");
    }

    /** What it has no room for is not pushed out of its queue, but waits where it is. */
    @Test
    void nobodyGetsMoreThanItsQueueMayHold() {
        away("a");
        for (int i = 0; i < 5; i++) keep("a", "a" + i, ONE);
        come("c", to(ONE, 0));
        SERVER.execute("UPDATE session SET queue_count = 3 WHERE client_id = 'c'");
        pickUpAll();
        assertThat(texts("c")).containsExactly("a0", "a1", "a2");
        assertThat(texts("a")).containsExactly("a3", "a4");
        SERVER.execute("UPDATE session SET queue_count = NULL, queue_bytes = 0 WHERE client_id = 'c'");
        pickUpAll();
        assertThat(texts("a")).as("in bytes").hasSize(2);
        SERVER.execute("UPDATE session SET queue_bytes = NULL WHERE client_id = 'c'");
        pickUpAll();
        assertThat(texts("a")).isEmpty();
    }

    @Test
    void aMessageThatIsStoredOnceGoesOnWithItsQoSAndItsTime() {
        var text = "x".repeat(1000);
        away("a");
        away("b");
        var expiring = of(TWO, text, System.currentTimeMillis() + 60_000);
        rig.accept(
                        "p",
                        expiring,
                        new Copy("a", Copy.ANY_SESSION, TWO, false, List.of(), SHARE),
                        new Copy("b", Copy.ANY_SESSION, TWO, false, List.of(), null))
                .join();
        come("c", to(ONE, 0));
        pickUpAll();
        assertThat(queued("c")).singleElement().satisfies(row -> {
            assertThat(row.qos()).isEqualTo(ONE);
            assertThat(row.message().qos()).isEqualTo(TWO);
            assertThat(row.message().expiresAt()).isBetween(System.currentTimeMillis(), expiring.expiresAt() + 5000);
            assertThat(new String(row.message().payload())).isEqualTo(text);
        });
        assertThat(texts("b")).hasSize(1);
    }

    @Test
    void whoIsConnectedAnywhereKeepsItsOwn() {
        away("a");
        keep("a", "m", ONE);
        rig.open("a", false, 3600); // at another gateway, which this one has not heard of yet
        come("c", to(ONE, 0));
        pickUpAll();
        assertThat(texts("a")).containsExactly("m");
        assertThat(texts("c")).isEmpty();
    }

    /** Its gateway was killed before PUBCOMP, and nobody had written down how far its queue was sent: it has the message all the same. */
    @Test
    void whatAMemberHasReceivedIsItsOwn() throws Exception {
        var session = rig.open("a", true, 3600);
        router.restore("a", session.id(), 0, List.of(to(TWO, 0)));
        keep("a", "received", TWO);
        var seq = Long.parseLong(SERVER.value("SELECT seq FROM queued"));
        rig.submit(done -> new MarkReceived("a", session.epoch(), seq, done)).join();
        assertThat(rig.reclaim("node-1")).isEqualTo(1);
        keep("a", "later", TWO);
        come("c", to(TWO, 0));
        pickUpAll();
        assertThat(texts("a")).containsExactly("received");
        assertThat(texts("c")).containsExactly("later");
    }

    @Test
    void whoHasNoSessionGetsItInMemory() {
        away("a");
        var text = "x".repeat(1000);
        rig.accept(
                        "p",
                        message("t", text),
                        new Copy("a", Copy.ANY_SESSION, ONE, false, List.of(), SHARE),
                        new Copy("a", Copy.ANY_SESSION, ONE, false, List.of(), SHARE))
                .join();
        var live = new LivingMember("live");
        router.attach(live, false, false, List.of(to(ONE, 0)));
        live.notReady();
        pickUpAll();
        assertThat(live.taken).as("it can take nothing").isEmpty();
        live.readyAgain();
        pickUpAll();
        assertThat(live.taken).containsExactly(text, text);
        assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count_in - count_out FROM queue JOIN queue_out USING (session_id)"))
                .isEqualTo("0");
    }
}
