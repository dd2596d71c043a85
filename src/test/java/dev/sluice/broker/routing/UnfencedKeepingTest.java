package dev.sluice.broker.routing;

import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StandingLane;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.session.StoredSubscription;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The journal has no room for a while: what is for members of Shared Subscriptions waits, as nobody sends it again. */
@Tag("postgres")
class UnfencedKeepingTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final int CAPACITY = 4;
    private static final int MOST = 20;

    private final Router router = new Router();
    private final AtomicInteger dropped = new AtomicInteger();
    private final AtomicInteger told = new AtomicInteger();
    private StoreRig rig;
    private StandingLane lane;
    private UnfencedKeeping keeping;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, new StoreRig.Settings(1, CAPACITY, 1024, 500));
        keeping = new UnfencedKeeping(rig.journal, dropped::incrementAndGet, MOST);
        var session = rig.open("away", true, 3600);
        router.restore(
                "away",
                session.id(),
                0,
                List.of(new StoredSubscription("$share/g/t", QoS.AT_LEAST_ONCE, false, false, 0, 0)));
        assertThat(rig.disconnect("away", session.epoch(), 3600, 0).join()).isEqualTo(Outcome.COMMITTED);
    }

    @AfterEach
    void stop() {
        lane.release();
        keeping.stop();
        rig.close();
    }

    private List<String> keep(int count) {
        var texts = IntStream.range(0, count).mapToObj(n -> "m" + n).toList();
        for (var text : texts) keeping.keep(router.publication(message("t", text), null), told::incrementAndGet);
        return texts;
    }

    private List<String> queued() {
        return rig.queues.page("away", 0, 1000, 1 << 20).rows().stream()
                .map(row -> new String(row.message().payload()))
                .toList();
    }

    @Test
    void whatTheJournalHasNoRoomForIsKeptLater() {
        lane = StandingLane.of(rig.journal);
        var texts = keep(CAPACITY + MOST);
        assertThat(keeping.hasRoom()).isFalse();

        lane.release();

        await().until(() -> told.get() == CAPACITY + MOST);
        assertThat(queued()).containsExactlyElementsOf(texts);
        assertThat(dropped).hasValue(0);
        assertThat(keeping.hasRoom()).isTrue();
    }

    @Test
    void itWaitsAgainWhenTheJournalIsFullAgain() {
        lane = StandingLane.of(rig.journal);
        keep(CAPACITY + 1);
        lane.release();
        await().until(() -> told.get() == CAPACITY + 1);
        lane = StandingLane.of(rig.journal);
        keep(CAPACITY + 1);
        lane.release();
        await().until(() -> told.get() == 2 * (CAPACITY + 1));
        assertThat(queued()).hasSize(2 * (CAPACITY + 1));
    }

    @Test
    void soManyWaitAndFurtherOnesAreCounted() {
        lane = StandingLane.of(rig.journal);
        var texts = keep(CAPACITY + MOST + 3);
        assertThat(dropped).hasValue(3);

        lane.release();

        await().until(() -> told.get() == CAPACITY + MOST);
        assertThat(queued()).containsExactlyElementsOf(texts.subList(0, CAPACITY + MOST));
    }
}
