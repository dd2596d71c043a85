package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.TakenOver;
import dev.sluice.cluster.RelayMessage.Yielded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.SessionStore.Former;
import dev.sluice.store.session.SessionStore.OpenedSession;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FleetTakeOversTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final SimpleMeterRegistry registered = new SimpleMeterRegistry();
    private final BrokerMeters meters = new BrokerMeters(registered);

    /** A gateway, as far as it knows who holds which session. */
    private final class At {
        private final LocalRelay relay;
        private final List<Line> ended = new CopyOnWriteArrayList<>();
        private final ConnectionRegistry<Line> registry = new ConnectionRegistry<>(line -> {
            this.ended.add(line);
            this.registry().offline(line);
            return CompletableFuture.completedFuture(42L);
        });
        private final SessionTurns turns = new SessionTurns();
        private final List<EndedSession> lost = new CopyOnWriteArrayList<>();
        private FleetTakeOvers takeOvers;

        At(String id) {
            relay = new LocalRelay(board, id);
        }

        private ConnectionRegistry<Line> registry() {
            return registry;
        }

        void join() {
            takeOvers = new FleetTakeOvers(registry, turns, relay, relay, lost::add, meters, LONG);
            relay.join();
        }
    }

    private final At here = new At("here");
    private final At there = new At("there");

    @BeforeEach
    void start() {
        here.join();
        there.join();
    }

    @AfterEach
    void stop() {
        here.relay.close();
        there.relay.close();
    }

    private static OpenedSession opened(long epoch, Former former) {
        return new OpenedSession(true, 1, epoch, List.of(), List.of(), 0, 0, false, false, List.of(), former, 0);
    }

    private static long within(CompletableFuture<Long> answer) {
        return answer.orTimeout(60, TimeUnit.SECONDS).join();
    }

    @Test
    void theConnectionThereEndsAndTellsWhatItHasSent() {
        var former = new Line("c", 1, 7);
        there.registry.online(former);
        assertThat(within(here.takeOvers.end("c", opened(8, new Former("there", 7)))))
                .isEqualTo(42);
        assertThat(there.ended).containsExactly(former);
        assertThat(there.lost).as("to be read again").containsExactly(new EndedSession("c", 1));
        assertThat(here.lost).isEmpty();
    }

    @Test
    void nobodyIsAskedWhoDidNotHoldIt() {
        for (var former : new Former[] {null, new Former("here", 7), new Former("dead", 7)})
            assertThat(here.takeOvers.end("c", opened(8, former))).isCompletedWithValue(0L);
        assertThat(here.relay.sent()).isEmpty();
    }

    @Test
    void theAnswerComesBehindACloseThatIsUnderWay() {
        var close = there.turns.takeToClose("c");
        here.takeOvers.end("c", opened(8, new Former("there", 7)));
        await().until(() -> here.relay.sent().size() == 1);
        settle(there);
        assertThat(there.relay.sent()).isEmpty();
        close.end();
        await().until(() -> there.relay.sent().equals(List.of(new Yielded("c", 8, 0))));
    }

    /** The session was opened there before, but its connection is not online yet. */
    @Test
    void aConnectionWhoseSessionIsStillOpenedEndsToo() {
        var open = there.turns.take("c");
        assertThat(within(here.takeOvers.end("c", opened(8, new Former("there", 7)))))
                .isZero();
        var former = new Line("c", 1, 7);
        there.registry.online(former);
        assertThat(there.ended).isEmpty();
        open.end();
        await().until(() -> there.ended.contains(former));
    }

    @Test
    void aLaterConnectionThereGoesOn() {
        there.registry.online(new Line("c", 1, 9));
        assertThat(within(here.takeOvers.end("c", opened(8, new Former("there", 7)))))
                .isZero();
        assertThat(there.ended).isEmpty();
    }

    /** Each waits for the other one's answer, and neither for its own turn. */
    @Test
    void twoThatTakeItFromEachOtherAtOnceDoNotWaitForEver() {
        here.turns.take("c");
        there.turns.take("c");
        var one = here.takeOvers.end("c", opened(8, new Former("there", 7)));
        var other = there.takeOvers.end("c", opened(9, new Former("here", 8)));
        assertThat(within(one)).isZero();
        assertThat(within(other)).isZero();
    }

    @Test
    void aGatewayThatIsSilentIsNotWaitedForLong() {
        there.relay.ignore();
        var hasty = new FleetTakeOvers(
                here.registry, here.turns, here.relay, here.relay, _ -> {}, meters, Duration.ofMillis(100));
        var answer = hasty.end("c", opened(8, new Former("there", 7)));
        await().until(answer::isDone);
        assertThat(answer).isCompletedWithValue(null);
        assertThat(here.relay.sent()).containsExactly(new TakenOver("c", 8));
        assertThat(registered
                        .get("sluice.fleet.take.overs")
                        .tag("answered", "no")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void nobodyWaitsForALetterThatCannotBeSent() {
        here.relay.fail(true);
        assertThat(here.takeOvers.end("c", opened(8, new Former("there", 7)))).isCompletedWithValue(null);
    }

    private static void settle(At at) {
        var done = new CompletableFuture<Void>();
        at.relay.execute(() -> done.complete(null));
        done.orTimeout(60, TimeUnit.SECONDS).join();
    }
}
