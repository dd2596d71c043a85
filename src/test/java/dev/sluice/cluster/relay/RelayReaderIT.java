package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayRig.PATIENCE;
import static dev.sluice.cluster.relay.RelayRig.await;
import static dev.sluice.cluster.relay.RelayRig.queued;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.cluster.relay.RelayRig.Node;
import dev.sluice.dev.EmbeddedKafka;
import dev.sluice.dev.Ports;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of letters that a gateway has not read yet, in a real Kafka. */
class RelayReaderIT {
    /** Of no room for letters. */
    private static final int ROUNDS = 8;

    @TempDir
    private static Path folder;

    private static EmbeddedKafka kafka;
    private final List<Long> letters = new CopyOnWriteArrayList<>();
    private RelayRig rig;
    private Node a;
    private Node b;

    @BeforeAll
    static void startKafka() {
        kafka = EmbeddedKafka.start(Ports.free(), folder);
    }

    @AfterAll
    static void stopKafka() {
        kafka.process().kill();
    }

    @BeforeEach
    void start() {
        rig = new RelayRig(kafka);
        a = rig.started("a");
        b = rig.start("b");
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static List<Long> numbers(long to) {
        return LongStream.rangeClosed(1, to).boxed().toList();
    }

    /** Returns once Kafka has them. */
    private void send(long from, long to) throws InterruptedException {
        var missing = new CountDownLatch((int) (to - from + 1));
        for (long i = from; i <= to; i++)
            a.relay.send(b.gateway, queued(i), has -> {
                if (has) missing.countDown();
            });
        assertThat(missing.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void lettersStayInTheMailboxWhileThereIsNoRoomAndTheBoardIsReadOn() throws Exception {
        var room = new AtomicInteger(150);
        b.relay.readMailboxWhile(() -> letters.size() < room.get());
        b.relay.on(
                Queued.class,
                (_, letter) -> letters.add(letter.places().getFirst().seq()));
        b.relay.start();
        await("b is ready", b.relay::isReady);
        send(1, 4000);
        await("there is no more room", () -> b.count("sluice.relay.pauses") > 0);
        for (int i = 0; i < ROUNDS; i++) {
            var seen = new CountDownLatch(1);
            a.relay.announce(new Interest(List.of(new Wanted("x" + i, Reach.ALL))), seen::countDown);
            assertThat(seen.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(letters).hasSize(room.get());
            var more = room.addAndGet(10);
            await("b takes more", () -> letters.size() >= more);
        }
        assertThat(a.count("sluice.relay.patience.exceeded"))
                .as("nobody waits for one that is paused")
                .isZero();
        assertThat(b.count("sluice.relay.stale")).isZero();
        assertThat(b.count("sluice.relay.pauses")).isBetween((double) ROUNDS, ROUNDS + 1.0);
        room.set(Integer.MAX_VALUE);
        await("b has them", () -> letters.size() >= 4000);
        assertThat(letters).isEqualTo(numbers(4000));
        assertThat(b.count("sluice.relay.gaps")).isZero();
    }

    /** Kafka may have them before their reader finds that the topic is another one, also when that has more by then than the former one. */
    @ParameterizedTest
    @ValueSource(ints = {1, 400})
    void lettersInATopicThatIsCreatedAgainAreTaken(int more) throws Exception {
        var mayRead = new AtomicBoolean();
        b.relay.on(Queued.class, (_, letter) -> {
            letters.add(letter.places().getFirst().seq());
            if (letters.size() == 100) await("it may read", mayRead::get);
        });
        b.relay.start();
        await("b is ready", b.relay::isReady);
        send(1, 100);
        await("b has them", () -> letters.size() == 100);
        rig.admin.deleteTopics(List.of(rig.topic)).all().get();
        await("there is another one", () -> rig.end(b.gateway.mailbox()) < 100);
        send(101, 100 + more);
        mayRead.set(true);
        await("b takes them", () -> letters.size() >= 100 + more);
        assertThat(letters).isEqualTo(numbers(100 + more));
    }
}
