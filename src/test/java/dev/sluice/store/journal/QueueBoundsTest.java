package dev.sluice.store.journal;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.message;
import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.config.StoreConfig.QueuePolicy;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.QueueReader.Row;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.session.ForeignSession;
import dev.sluice.store.session.QueueLimit;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class QueueBoundsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private StoreRig rig;

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private void start(QueuePolicy policy, long count, long bytes) {
        rig = new StoreRig(SERVER, new StoreRig.Settings(1, 8192, 1024, 500, count, bytes, policy));
    }

    @Test
    void aFullQueueTakesNoMoreAndThenGoesOnWithoutAGap() {
        start(QueuePolicy.DROP_NEWEST, 10, 1 << 20);
        var epoch = rig.open("a", false, 60).epoch();
        rig.open("b", false, 60);

        assertThat(IntStream.range(0, 12).mapToLong(_ -> accept("a", 100)).toArray())
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Copy.DROPPED, Copy.DROPPED);
        assertThat(accept("b", 100)).as("another queue").isEqualTo(1);
        rig.acknowledge("a", epoch, 4, 4).join();
        assertThat(accept("a", 100)).isEqualTo(11);
        assertThat(accept("a", 100)).isEqualTo(Copy.DROPPED);

        assertThat(dropped("newest")).isEqualTo(3);
        assertThat(SERVER.value("SELECT messages FROM v_queue_depth WHERE client_id = 'a'"))
                .isEqualTo("10");
    }

    @Test
    void aQueueIsFullInBytes() {
        start(QueuePolicy.DROP_NEWEST, 1000, 3000);
        var epoch = rig.open("a", false, 60).epoch();

        assertThat(IntStream.range(0, 5).mapToLong(_ -> accept("a", 1000)).toArray())
                .containsExactly(1, 2, 3, Copy.DROPPED, Copy.DROPPED);
        rig.acknowledge("a", epoch, 1, 3).join();
        assertThat(accept("a", 1000)).isEqualTo(4);
    }

    @Test
    void subscriptionIdentifiersTakeRoomInAQueue() {
        start(QueuePolicy.DROP_NEWEST, 1000, 3000);
        var epoch = rig.open("a", false, 60).epoch();
        var identifiers = IntStream.rangeClosed(1, 30).boxed().toList();

        assertThat(IntStream.range(0, 5)
                        .mapToObj(_ -> new Copy("a", Copy.ANY_SESSION, QoS.AT_LEAST_ONCE, false, identifiers, null))
                        .mapToLong(copy -> accept(copy, 280))
                        .toArray())
                .containsExactly(1, 2, 3, Copy.DROPPED, Copy.DROPPED);
        rig.acknowledge("a", epoch, 1, 3).join();
        assertThat(SERVER.value("SELECT concat_ws(' ', messages, bytes) FROM v_queue_depth"))
                .isEqualTo("2 2000");
    }

    @Test
    void aNewMessagePushesTheOldestOut() {
        start(QueuePolicy.DROP_OLDEST, 10, 1 << 20);
        rig.open("a", false, 60);

        assertThat(IntStream.range(0, 25).mapToLong(_ -> accept("a", 100)).toArray())
                .doesNotContain(Copy.DROPPED);

        await().untilAsserted(() -> assertThat(seqs()).containsExactlyElementsOf(numbers(16, 25)));
        assertThat(dropped("oldest")).isEqualTo(15);
        assertThat(SERVER.value("SELECT concat_ws(' ', messages, bytes, last_seq) FROM v_queue_depth"))
                .isEqualTo("10 1000 25");
    }

    @Test
    void aNewMessagePushesTheOldestOutByBytes() {
        start(QueuePolicy.DROP_OLDEST, 1000, 3000);
        rig.open("a", false, 60);
        for (int i = 0; i < 10; i++) accept("a", 300);

        accept("a", 1000);

        await().untilAsserted(() -> assertThat(seqs()).containsExactlyElementsOf(numbers(5, 11)));
        assertThat(SERVER.value("SELECT concat_ws(' ', messages, bytes) FROM v_queue_depth"))
                .isEqualTo("7 2800");
    }

    @Test
    void aMessageThatMayHaveBeenSentIsNotPushedOutAtQoS2() {
        start(QueuePolicy.DROP_OLDEST, 4, 1 << 20);
        var epoch = rig.open("a", false, 60).epoch();
        for (int i = 0; i < 4; i++) accept(copy("a", QoS.EXACTLY_ONCE), 100);
        accept("a", 100);
        await().untilAsserted(() -> assertThat(seqs()).containsExactlyElementsOf(numbers(1, 4)));

        rig.submit(done -> new CloseSession("a", epoch, 60, 0, 2, false, done)).join();
        accept(copy("a", QoS.EXACTLY_ONCE), 100);
        accept("a", 100);

        await().untilAsserted(() -> assertThat(seqs()).containsExactly(1L, 2L, 6L, 7L));
    }

    @Test
    void aQueueOfWhatMayNotBePushedOutEndsAllTheSame() {
        start(QueuePolicy.DROP_OLDEST, 16, 1 << 20);
        rig.open("a", false, 60);
        var most = 16 + 2 + 1024;
        for (int i = 0; i < most + 1024; i++) rig.accept("p", Messages.ofBytes(100), copy("a", QoS.EXACTLY_ONCE));
        accept(copy("a", QoS.EXACTLY_ONCE), 100);

        assertThat(accept(copy("a", QoS.EXACTLY_ONCE), 100)).isEqualTo(Copy.DROPPED);
        assertThat(Integer.parseInt(SERVER.value("SELECT messages FROM v_queue_depth")))
                .isBetween(most, most + 1024);
    }

    /** What is put in may come through any gateway: none of them knows the client. */
    @Test
    void theLimitOfAClientBoundsItsQueueWhileItIsAway() {
        start(QueuePolicy.DROP_OLDEST, 1000, 1 << 20);
        var epoch = open("a", "someone", new QueueLimit(3, Long.MAX_VALUE)).epoch();
        rig.open("b", false, 60);
        rig.submit(done -> new CloseSession("a", epoch, 60, 0, 0, false, done)).join();

        for (int i = 0; i < 5; i++) {
            accept("a", 100);
            assertThat(accept("b", 100)).as("another queue").isEqualTo(i + 1);
        }

        await().untilAsserted(() -> {
            assertThat(seqs()).containsExactly(3L, 4L, 5L);
            assertThat(dropped("oldest")).isEqualTo(2);
        });
        assertThat(SERVER.value("SELECT messages FROM v_queue_depth WHERE client_id = 'b'"))
                .isEqualTo("5");
    }

    /** Longer by more than a batch: it takes nothing before. */
    @Test
    void aQueueThatIsFarAboveItsNewLimitIsCutBackWhileItsClientIsAway() {
        rig = new StoreRig(SERVER, new StoreRig.Settings(1, 8192, 4, 500, 1000, 1 << 20, QueuePolicy.DROP_OLDEST));
        open("a", "someone", QueueLimit.NONE);
        for (int i = 0; i < 20; i++) accept("a", 100);
        var epoch = open("a", "someone", new QueueLimit(2, Long.MAX_VALUE)).epoch();
        rig.submit(done -> new CloseSession("a", epoch, 60, 0, 0, false, done)).join();

        assertThat(accept("a", 100)).isEqualTo(Copy.DROPPED);
        await().untilAsserted(() -> assertThat(seqs()).containsExactly(19L, 20L));
        assertThat(accept("a", 100)).isEqualTo(21);
        await().untilAsserted(() -> assertThat(seqs()).containsExactly(20L, 21L));
    }

    @Test
    void theLimitOfAClientIsInBytesToo() {
        start(QueuePolicy.DROP_OLDEST, 1000, 1 << 20);
        open("a", "someone", new QueueLimit(Long.MAX_VALUE, 1000));

        for (int i = 0; i < 5; i++) accept("a", 400);

        await().untilAsserted(() -> assertThat(seqs()).containsExactly(4L, 5L));
    }

    @Test
    void theLastConnectSaysTheLimitAndTheConfigurationTheMost() {
        start(QueuePolicy.DROP_NEWEST, 4, 2000);
        open("a", "someone", new QueueLimit(2, Long.MAX_VALUE));
        assertThat(IntStream.range(0, 3).mapToLong(_ -> accept("a", 100)).toArray())
                .containsExactly(1, 2, Copy.DROPPED);
        assertThat(dropped("newest")).isEqualTo(1);

        assertThatThrownBy(() -> open("a", "another", new QueueLimit(0, 0))).isInstanceOf(ForeignSession.class);
        assertThat(SERVER.value("SELECT queue_count FROM session"))
                .as("not its session")
                .isEqualTo("2");

        open("a", "someone", new QueueLimit(100, 600));
        assertThat(IntStream.range(0, 3).mapToLong(_ -> accept("a", 200)).toArray())
                .as("in bytes")
                .containsExactly(3, 4, Copy.DROPPED);

        open("a", "someone", QueueLimit.NONE);
        assertThat(accept("a", 100)).as("as many as the configuration says").isEqualTo(Copy.DROPPED);
        assertThat(SERVER.value("SELECT concat_ws(' ', queue_count, queue_bytes) FROM session"))
                .isEmpty();
    }

    @Test
    void anEndedCopyOfASharedMessageMakesItASuspect() throws Exception {
        start(QueuePolicy.DROP_OLDEST, 1, 1 << 20);
        rig.open("a", false, 60);
        rig.open("b", false, 60);
        rig.accept("p", message("t", "x".repeat(500)), copy("a"), copy("b")).join();
        accept("a", 100);
        accept("b", 100);
        await().untilAsserted(() ->
                assertThat(SERVER.value("SELECT count(*) FROM queued")).isEqualTo("2"));

        await().untilAsserted(() -> {
            rig.orphans.reap();
            assertThat(SERVER.value("SELECT count(*) FROM message")).isEqualTo("0");
        });
    }

    private long accept(String clientId, int bytes) {
        return accept(copy(clientId), bytes);
    }

    private OpenedSession open(String clientId, String identity, QueueLimit limit) {
        return rig.sessions.open(request(clientId, identity, limit), Duration.ofSeconds(20));
    }

    private static OpenRequest request(String clientId, String identity, QueueLimit limit) {
        return new OpenRequest(clientId, false, 5, 60, identity, "node-1", 10, null, null, limit);
    }

    private long accept(Copy copy, int bytes) {
        assertThat(rig.accept("p", Messages.ofBytes(bytes), copy).join()).isEqualTo(COMMITTED);
        return copy.seq();
    }

    private List<Long> seqs() {
        return rig.queues.page("a", 0, 1000, 1 << 20).rows().stream()
                .map(Row::seq)
                .toList();
    }

    private static List<Long> numbers(long first, long last) {
        return java.util.stream.LongStream.rangeClosed(first, last).boxed().toList();
    }

    private double dropped(String which) {
        return rig.meters
                .get("sluice.queue.dropped")
                .tag("which", which)
                .counter()
                .count();
    }
}
