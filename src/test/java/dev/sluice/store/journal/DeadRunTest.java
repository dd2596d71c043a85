package dev.sluice.store.journal;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static dev.sluice.store.journal.JournalWrite.Outcome.FENCED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.topic.TopicName;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gateway stands still with writes in its journal, others bury it, and it goes on. */
@Tag("postgres")
@Timeout(120)
class DeadRunTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private StoreRig rig;
    private final CompletableFuture<Void> awake = new CompletableFuture<>();

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        rig.run.begin(SERVER.register());
    }

    @AfterEach
    void stop() {
        awake.complete(null);
        rig.close();
    }

    /** Its only lane waits in the completion of a write. */
    private void freeze() {
        var frozen = new CompletableFuture<Void>();
        assertThat(rig.journal.submit(Accept.unfenced("p", message("x"), List.of(), true, _ -> {
                    frozen.complete(null);
                    awake.join();
                })))
                .isTrue();
        frozen.join();
    }

    private void bury() throws SQLException {
        while (!SERVER.value("SELECT count(*) FROM node").equals("0"))
            rig.burial.buryDead(rig.burial.signs("gravedigger"), (_, _) -> {}, () -> false);
    }

    /** For a session that is away, in the name of a run. */
    private CompletableFuture<Outcome> copy(String payload, long since) {
        return rig.submit(done -> Accept.unfenced("p", message(payload), List.of(Messages.copy("watcher")), false, done)
                .since(since));
    }

    private static Message message(String payload) {
        return Messages.message("t", payload);
    }

    private static String queued() {
        return SERVER.value("SELECT string_agg(convert_from(payload, 'UTF8'), ' ' ORDER BY seq) FROM queued");
    }

    /** Others may have written something newer by then. */
    @Test
    void whatNoSessionOwnsIsNotWrittenBehindTheBurial() throws Exception {
        rig.open("watcher", false, 60);
        var run = rig.journal.run();
        freeze();
        var outcomes = new ArrayList<CompletableFuture<Outcome>>();
        outcomes.add(copy("offline", run));
        outcomes.add(
                rig.submit(done -> Accept.unfenced("p", Messages.message("presence", "offline"), List.of(), true, done)
                        .since(run)));
        var row = new SpoolRow(0, null, "c", "telemetry", null, new byte[1], new byte[1], new byte[1], 0);
        outcomes.add(rig.submit(done -> new JournalWrite.Spool("c", run, List.of(row), done)));
        var large = IntStream.rangeClosed(0, Instalments.MOST)
                .mapToObj(n -> Messages.copy("nobody" + n))
                .toList();
        outcomes.add(rig.submit(done ->
                Accept.unfenced("p", message("large"), large, false, done).since(run)));
        bury();

        awake.complete(null);

        for (var outcome : outcomes) assertThat(outcome.join()).isEqualTo(FENCED);
        assertThat(queued()).isNull();
        assertThat(SERVER.value("SELECT count(*) FROM retained WHERE topic = 'presence'"))
                .isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM spool")).isEqualTo("0");
        assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("0");
        assertThat(rig.meters.get("sluice.journal.fenced").counter().count()).isEqualTo(outcomes.size());
    }

    /** They share transactions with what it wrote before. */
    @Test
    void whatItsNextRunWritesIsWritten() throws Exception {
        rig.open("watcher", false, 60);
        var before = rig.journal.run();
        freeze();
        var late = copy("late", before);
        bury();
        rig.run.begin(SERVER.register());
        var mine = copy("mine", JournalWrite.ANY_RUN);
        var later = copy("later", before);
        var next = copy("next", rig.journal.run());
        var connection = copy("connection", rig.open("p", false, 60).epoch());

        awake.complete(null);

        assertThat(List.of(late.join(), later.join())).containsOnly(FENCED);
        assertThat(List.of(mine.join(), next.join(), connection.join())).containsOnly(COMMITTED);
        assertThat(queued()).isEqualTo("mine next connection");
    }

    /** The name is borne by another process, whose run nobody has declared dead. */
    @Test
    void aSuccessorOfTheNameFencesItsPredecessor() {
        rig.open("watcher", false, 60);
        var before = rig.journal.run();
        freeze();
        var late = copy("late", before);
        rig.run.begin(SERVER.register());

        awake.complete(null);

        assertThat(late.join()).isEqualTo(FENCED);
    }

    /** The client has not come back: no other epoch fences what it has published, and its will is published. */
    @Test
    void whatAClientHadPublishedIsNotWrittenBehindItsWill() throws Exception {
        rig.open("watcher", false, 60);
        var device = rig.open("device", false, 60);
        freeze();
        var online = rig.accept("device", device.epoch(), message("online"), Messages.copy("watcher"));
        bury();
        rig.run.begin(SERVER.register());
        rig.accept("device", message("offline"), Messages.copy("watcher"));

        awake.complete(null);

        assertThat(online.join()).isEqualTo(FENCED);
        rig.accept("p", message("last"), Messages.copy("watcher")).join();
        assertThat(queued()).isEqualTo("offline last");
        assertThat(rig.open("device", false, 60).present()).isTrue();
    }

    /** It would begin the session anew, with all that others have been told it is owed. */
    @Test
    void aConnectThatWasReadBeforeDoesNotTakeTheSessionFromTheNextOne() throws Exception {
        bury();
        try (var other = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            var moved = other.open("device", false, 60);
            other.accept("p", message("owed"), Messages.copy("device")).join();

            assertThatThrownBy(() -> rig.open("device", true, 60)).isInstanceOf(StoreUnavailable.class);

            assertThat(other.remember("device", moved.epoch(), 1, "m").join()).isEqualTo(COMMITTED);
            assertThat(queued()).isEqualTo("owed");
        }
        rig.run.begin(SERVER.register());
        assertThat(rig.open("device", true, 60).present()).isFalse();
    }

    /** It has said DISCONNECT, and nobody has published its will yet. */
    @Test
    void aWillIsStillWithdrawn() throws Exception {
        var properties = Properties.NONE.with(Property.WILL_DELAY_INTERVAL, 30);
        var will = new Will(TopicName.of("presence"), QoS.AT_LEAST_ONCE, false, properties, new byte[1]);
        var device = rig.open("device", false, 60, will);
        freeze();
        var closed = rig.submit(done -> new CloseSession("device", device.epoch(), 60, 0, 0, false, done));
        bury();
        assertThat(SERVER.value("SELECT count(*) FROM will WHERE due_at IS NOT NULL"))
                .isEqualTo("1");

        awake.complete(null);

        assertThat(closed.join()).isEqualTo(FENCED);
        assertThat(SERVER.value("SELECT count(*) FROM will")).isEqualTo("0");
    }
}
