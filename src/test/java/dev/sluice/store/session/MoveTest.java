package dev.sluice.store.session;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static dev.sluice.store.journal.JournalWrite.Outcome.FENCED;
import static dev.sluice.store.journal.JournalWrite.Outcome.GONE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.QueuedElsewhere;
import dev.sluice.store.session.SessionStore.Former;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Sessions that move between gateways, as PostgreSQL sees it. */
@Tag("postgres")
class MoveTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final Duration LEASE = Duration.ofMinutes(1);
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        rig.sessions.others(() -> List.of("node-1", "node-3"));
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private OpenedSession open(String node, boolean cleanStart, long expiry, Will will) {
        return rig.sessions.open(
                new OpenRequest("c", cleanStart, 5, expiry, "someone", node, 10, will), Duration.ofSeconds(2));
    }

    private static Will will(int delay) {
        var properties = delay == 0 ? Properties.NONE : Properties.NONE.with(Property.WILL_DELAY_INTERVAL, delay);
        return new Will(
                TopicName.of("w"), QoS.AT_LEAST_ONCE, false, properties, "gone".getBytes(StandardCharsets.UTF_8));
    }

    private Outcome close(long epoch, boolean publishWill) {
        return rig.submit(done -> new CloseSession("c", epoch, 60, 0, 0, publishWill, done))
                .join();
    }

    private int claimed() {
        return rig.wills.claimDue(10, 1 << 20, LEASE).size();
    }

    @Test
    void anOpenTellsWhoHeldTheSession() {
        var first = open("node-1", false, 60, null);
        assertThat(first.former()).isNull();
        var second = open("node-2", false, 60, null);
        assertThat(second.former()).isEqualTo(new Former("node-1", first.epoch()));
        assertThat(second.replacedId()).isZero();
        assertThat(close(second.epoch(), false)).isEqualTo(COMMITTED);
        assertThat(open("node-1", false, 60, null).former())
                .as("after DISCONNECT")
                .isNull();
    }

    @Test
    void anOpenTellsWhichStoredSessionItHasReplaced() {
        var first = open("node-1", false, 60, null);
        var second = open("node-2", true, 0, null);
        assertThat(second.replacedId()).isEqualTo(first.id());
        assertThat(second.former()).isEqualTo(new Former("node-1", first.epoch()));
        var third = open("node-3", true, 60, null);
        assertThat(third.replacedId()).as("it had no queue").isZero();
        assertThat(third.former()).isEqualTo(new Former("node-2", second.epoch()));
    }

    /** What the version before calls. */
    @Test
    void theFunctionOfTheVersionBeforeIsThere() {
        open("node-1", false, 60, will(0));
        assertThat(SERVER.value("SELECT concat_ws(' ', present, refused, cardinality(due_wills))"
                        + " FROM open_session('c', false, 5::smallint, 60, 'someone', 'node-2')"))
                .isEqualTo("t f 1");
        assertThat(claimed()).as("at once").isEqualTo(1);
    }

    @Test
    void aWillThatItsConnectionHasWithdrawnIsNotPublished() {
        var lost = open("node-1", false, 60, will(0)).epoch();
        var opened = open("node-2", false, 60, will(0));
        assertThat(opened.dueWills()).hasSize(1);
        assertThat(claimed()).as("before its gateway has had its say").isZero();

        assertThat(close(lost, false)).isEqualTo(FENCED);

        rig.wills.release(opened.dueWills(), lost);
        assertThat(claimed()).isZero();
        assertThat(SERVER.value("SELECT string_agg(epoch::text, ',') FROM will"))
                .as("that of the new connection")
                .isEqualTo(String.valueOf(opened.epoch()));
    }

    @Test
    void neitherIfTheClientHasBegunAnew() {
        var lost = open("node-1", false, 60, will(30)).epoch();
        var opened = open("node-2", true, 60, null);
        assertThat(opened.dueWills()).hasSize(1);
        assertThat(close(lost, false)).isEqualTo(FENCED);
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
    }

    @Test
    void neitherIfTheSessionIsGone() {
        var lost = open("node-1", false, 60, will(0)).epoch();
        SERVER.execute("DELETE FROM session");
        assertThat(close(lost, false)).isEqualTo(GONE);
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
    }

    @Test
    void aWillThatWasNotWithdrawnFallsDueWhenItsGatewaySaysSo() {
        var lost = open("node-1", false, 60, will(0)).epoch();
        var opened = open("node-2", false, 60, null);
        assertThat(close(lost, true)).isEqualTo(FENCED);
        assertThat(claimed()).isZero();
        rig.wills.release(opened.dueWills(), lost);
        assertThat(claimed()).isEqualTo(1);
    }

    @Test
    void aWillFallsDueBySilence() {
        open("node-1", false, 60, will(0));
        open("node-2", false, 60, null);
        assertThat(SERVER.value("SELECT due_at BETWEEN now() + interval '1 s' AND now() + interval '2 s' FROM will"))
                .isEqualTo("t");
    }

    @Test
    void aThirdConnectionWaitsForItToo() {
        open("node-1", false, 60, will(0));
        var second = open("node-2", false, 60, null);
        assertThat(open("node-3", false, 60, null).dueWills()).isEqualTo(second.dueWills());
        rig.wills.release(second.dueWills(), second.epoch());
        assertThat(claimed()).as("it is not the second one's").isZero();
    }

    @Test
    void aWillThatIsBeingPublishedIsNotWithdrawn() {
        var lost = open("node-1", false, 60, will(0)).epoch();
        rig.wills.release(open("node-2", false, 60, null).dueWills(), lost);
        assertThat(claimed()).isEqualTo(1);
        assertThat(close(lost, false)).isEqualTo(FENCED);
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("1");
    }

    @Test
    void aGatewayThatDoesNotLiveIsNotWaitedFor() {
        open("node-9", false, 60, will(0));
        open("node-2", false, 60, null);
        assertThat(claimed()).isEqualTo(1);
    }

    /** A fenced close shares its transaction with what others have written. */
    @Test
    void aLateCloseHarmsNobody() {
        var lost = open("node-1", false, 60, will(0)).epoch();
        var other = rig.open("other", false, 60).epoch();
        open("node-2", false, 60, null);
        var closed = rig.submit(done -> new CloseSession("c", lost, 60, 0, 0, false, done));
        var remembered = rig.remember("other", other, 7, "id");
        assertThat(closed.join()).isEqualTo(FENCED);
        assertThat(remembered.join()).isEqualTo(COMMITTED);
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
        assertThat(SERVER.value("SELECT message_id FROM received")).isEqualTo("id");
    }

    @Test
    void theJournalTellsOfMessagesForSessionsElsewhere() {
        var told = new CopyOnWriteArrayList<QueuedElsewhere>();
        rig.journal.onQueuedElsewhere(told::addAll);
        var there = open("node-2", false, 60, null);
        rig.open("here", false, 60);
        var away = rig.open("away", false, 60);
        rig.disconnect("away", away.epoch(), 60, 0).join();

        for (int i = 0; i < 2; i++)
            rig.accept("p", Messages.message("t", "m"), copy("c"), copy("here"), copy("away"), copy("nobody"))
                    .join();

        assertThat(told)
                .containsExactly(
                        new QueuedElsewhere("node-2", "c", there.id(), 1),
                        new QueuedElsewhere("node-2", "c", there.id(), 2));
        assertThat(rig.queues.lastSeqs(List.of(there.id(), away.id(), -1L)))
                .containsOnlyKeys(there.id(), away.id())
                .containsEntry(there.id(), 2L);
    }

    private Copy copy(String clientId) {
        var id = SERVER.value("SELECT id FROM session WHERE client_id = '" + clientId + "'");
        return new Copy(clientId, id == null ? -1 : Long.parseLong(id), QoS.AT_LEAST_ONCE, false, List.of(), null);
    }
}
