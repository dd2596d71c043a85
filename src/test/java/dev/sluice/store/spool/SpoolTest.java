package dev.sluice.store.spool;

import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.support.NodeSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class SpoolTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final int LANE = 3;
    private static final long PLENTY = 1 << 20;
    private static final Set<String> NONE = Set.of();

    private StoreRig rig;
    private SpoolStore spool;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, new StoreRig.Settings(4, 8192, 1024, 500));
        spool = rig.spool;
        spool.start();
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static SpoolRow row(int lane, Long holder, String clientId, String value) {
        return new SpoolRow(
                lane, holder, clientId, "telemetry", null, bytes(clientId), bytes("h"), bytes(value), 1234567890123L);
    }

    private CompletableFuture<Outcome> put(SpoolRow... rows) {
        return rig.submit(
                done -> new JournalWrite.Spool(rows[0].clientId(), JournalWrite.ANY_RUN, List.of(rows), done));
    }

    private CompletableFuture<Outcome> put(String clientId, String value) {
        return put(row(LANE, null, clientId, value));
    }

    private List<String> waiting(SpoolStore reader) {
        return reader.page(LANE, 0, 1000, PLENTY, NONE).rows().stream()
                .map(row -> new String(row.value(), StandardCharsets.UTF_8))
                .toList();
    }

    /** Another gateway, or the next run of the same one. */
    private SpoolStore other(String node) {
        return new SpoolStore(
                new StoreRequests(rig.pool, StoreRig.Settings.ONE_LANE, rig.health, new SimpleMeterRegistry()),
                NodeSettings.of(node));
    }

    @Test
    void aRecordComesBackAsItWas() {
        var row = new SpoolRow(LANE, null, "c", "telemetry", 7, null, new byte[] {0, -1}, new byte[0], 42);
        assertThat(put(row).join()).isEqualTo(COMMITTED);

        var back = spool.page(LANE, 0, 10, PLENTY, NONE).rows().getFirst();
        assertThat(back).usingRecursiveComparison().isEqualTo(row);
        assertThat(SERVER.value(
                        "SELECT concat_ws(' ', client_id, kafka_topic, lane, state, bytes, received_at) FROM v_spool"))
                .isEqualTo("c telemetry 3 waiting 102 1970-01-01 00:00:00.042+00");
    }

    @Test
    void noSessionFencesARecord() {
        var lost = rig.open("c", false, 60).epoch();
        assertThat(put("c", "1").join()).isEqualTo(COMMITTED);
        assertThat(rig.open("c", false, 60).epoch()).isGreaterThan(lost);
        assertThat(put("c", "2").join()).isEqualTo(COMMITTED);
        assertThat(waiting(spool)).containsExactly("1", "2");
    }

    @Test
    void theRecordsOfAClientKeepTheirOrder() {
        var all = new ArrayList<CompletableFuture<Outcome>>();
        for (int i = 0; i < 200; i++) for (int c = 0; c < 4; c++) all.add(put("client-" + c, "" + i));
        CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new)).join();

        var rows = spool.page(LANE, 0, 1000, PLENTY, NONE).rows();
        for (int c = 0; c < 4; c++) {
            var clientId = "client-" + c;
            assertThat(rows.stream()
                            .filter(row -> row.clientId().equals(clientId))
                            .map(row -> Integer.parseInt(new String(row.value(), StandardCharsets.UTF_8))))
                    .containsExactlyElementsOf(IntStream.range(0, 200).boxed().toList());
        }
    }

    @Test
    void aPageIsBoundInRowsAndInBytes() {
        for (int i = 0; i < 5; i++) put("c", "" + i).join();
        var first = spool.page(LANE, 0, 2, PLENTY, NONE);
        assertThat(first.rows()).hasSize(2);
        assertThat(first.more()).isTrue();
        var second = spool.page(LANE, first.last(), 1000, 1, NONE);
        assertThat(second.rows()).as("one at least").hasSize(1);
        assertThat(second.more()).isTrue();
        var third = spool.page(LANE, second.last(), 1000, PLENTY, NONE);
        assertThat(third.rows()).hasSize(2);
        assertThat(third.more()).isFalse();
        assertThat(spool.page(LANE + 1, 0, 10, PLENTY, NONE).rows()).isEmpty();
    }

    @Test
    void theDepthIsCountedByAllWhoWrite() {
        for (int i = 0; i < 10; i++) put("client-" + i, "value").join();
        var full = spool.state();
        assertThat(full.rows()).isEqualTo(10);
        assertThat(full.bytes()).isEqualTo(10 * (100 + 8 + 1 + 5));
        assertThat(full.stripes()).hasSize(SpoolStore.STRIPES);
        assertThat(full.stripes().get(LANE).isEmpty()).isFalse();
        assertThat(full.stripes().get(LANE + 1).isEmpty()).isTrue();

        var places = spool.page(LANE, 0, 4, PLENTY, NONE).rows().stream()
                .map(row -> new Place(LANE, row.seq()))
                .toList();
        assertThat(spool.remove(places)).isEqualTo(4);
        assertThat(spool.remove(places)).as("again").isZero();
        assertThat(spool.state().rows()).isEqualTo(6);
        assertThat(SERVER.value("SELECT sum(bytes) FROM spool"))
                .isEqualTo("" + spool.state().bytes());

        var next = other("node-1");
        assertThat(next.start().rows()).isEqualTo(6);
        assertThat(SERVER.value("SELECT count(*) FROM spool_count")).isEqualTo("1");
        put("client-1", "value").join();
        assertThat(next.state().rows()).as("added after the rows were folded").isEqualTo(7);
    }

    @Test
    void whatALivingGatewayHoldsIsNotPassed() {
        spool.lease(Set.of(LANE));
        put(row(LANE, spool.run(), "c", "held")).join();
        put("c", "free").join();

        assertThat(waiting(spool))
                .as("its own producer has the other one already")
                .containsExactly("free");
        assertThat(waiting(other("node-2"))).isEmpty();
        assertThat(spool.isEmpty(LANE, NONE)).isFalse();
        assertThat(SERVER.value("SELECT string_agg(state || coalesce(node, ''), ' ' ORDER BY seq) FROM v_spool"))
                .isEqualTo("heldnode-1 waiting");
        spool.remove(
                List.of(new Place(LANE, spool.page(LANE, 0, 10, PLENTY, NONE).last())));
        assertThat(spool.isEmpty(LANE, NONE)).as("but for what it holds").isTrue();
        assertThat(other("node-2").isEmpty(LANE, NONE)).isFalse();
    }

    /** Also those whose first record was on another page, and until there is nothing of theirs that is held. */
    @Test
    void onlyKeysOfWhichALivingGatewayHoldsSomeWait() {
        spool.lease(Set.of());
        put(row(LANE, spool.run(), "a", "a1")).join();
        put("b", "b1").join();
        put("a", "a2").join();
        put(new SpoolRow(LANE, null, "a", "telemetry", null, null, new byte[0], bytes("a3"), 1))
                .join();
        put("b", "b2").join();

        var another = other("node-2");
        var taken = new ArrayList<String>();
        SpoolStore.Page page;
        var after = 0L;
        do {
            page = another.page(LANE, after, 2, PLENTY, NONE);
            page.rows().forEach(row -> taken.add(new String(row.value(), StandardCharsets.UTF_8)));
            after = page.last();
        } while (page.more());
        assertThat(taken).containsExactly("b1", "b2");
        assertThat(another.state().stripes().get(LANE).heldElsewhere()).isTrue();
        assertThat(spool.state().stripes().get(LANE).heldElsewhere())
                .as("by itself")
                .isFalse();

        spool.remove(
                List.of(new Place(LANE, spool.page(LANE, 0, 1, PLENTY, NONE).last())));
        await().until(() -> waiting(another), List.of("b1", "a2", "a3", "b2")::equals);
        assertThat(another.state().stripes().get(LANE).heldElsewhere()).isFalse();
    }

    /** What was committed late has a place before what its client has spooled since. */
    @Test
    void aReadOnDoesNotPassWhatWasCommittedBehindIt() {
        for (var value : List.of("1", "2", "3")) put("c", value).join();
        var first = spool.page(LANE, 0, 2, PLENTY, NONE);
        var front = first.rows().getFirst().seq();
        SERVER.execute("INSERT INTO spool (lane, seq, client_id, kafka_topic, headers, value, record_at, bytes)"
                + " VALUES (%d, %d, 'late', 't', '', 'late 1', 1, 1)".formatted(LANE, front - 1));
        put("late", "late 2").join();

        var second = spool.page(LANE, first.last(), 2, PLENTY, NONE);
        assertThat(values(second)).containsExactly("3");
        assertThat(second.more()).isTrue();
        spool.remove(Stream.of(first, second)
                .flatMap(page -> page.rows().stream())
                .map(row -> new Place(LANE, row.seq()))
                .toList());
        var anew = spool.page(LANE, second.last(), 10, PLENTY, NONE);
        assertThat(values(anew)).containsExactly("late 1", "late 2");
        assertThat(anew.more()).isFalse();
    }

    private static List<String> values(SpoolStore.Page page) {
        return page.rows().stream()
                .map(row -> new String(row.value(), StandardCharsets.UTF_8))
                .toList();
    }

    @Test
    void whatADeadGatewayHeldIsFree() {
        spool.lease(Set.of(LANE));
        put(row(LANE, spool.run(), "c", "held")).join();
        put("c", "free").join();

        var another = other("node-2");
        SERVER.execute("UPDATE spool_holder SET alive_until = now()");
        assertThat(waiting(another)).containsExactly("held", "free");
        assertThat(another.lease(Set.of(LANE)).stripes().get(LANE).ours()).isTrue();

        spool.lease(Set.of());
        var nextRun = other("node-1");
        nextRun.start();
        assertThat(waiting(nextRun)).as("of its own earlier run").containsExactly("held", "free");
    }

    @Test
    void aLaneIsDrainedByOneGateway() {
        var another = other("node-2");
        assertThat(ours(spool.lease(Set.of(1, 2)))).containsExactly(1, 2);
        assertThat(ours(another.lease(Set.of(2, 3)))).containsExactly(3);
        assertThat(ours(spool.lease(Set.of(1)))).containsExactly(1);
        assertThat(ours(another.lease(Set.of(2, 3)))).containsExactly(2, 3);

        SERVER.execute("UPDATE spool_holder SET alive_until = now() WHERE node = 'node-1'");
        assertThat(ours(another.lease(Set.of(1)))).containsExactly(1);
    }

    private static List<Integer> ours(SpoolStore.SpoolState look) {
        return look.stripes().stream()
                .filter(SpoolStore.StripeState::ours)
                .map(SpoolStore.StripeState::number)
                .toList();
    }

    @Test
    void whatKafkaDoesNotTakeIsOutOfTheWay() {
        put("c", "bad").join();
        put("c", "good").join();
        spool.fail(new Place(LANE, spool.page(LANE, 0, 1, PLENTY, NONE).last()), "too large");

        assertThat(waiting(spool)).containsExactly("good");
        assertThat(spool.state().rows()).as("it still takes room").isEqualTo(2);
        assertThat(SERVER.value("SELECT failure FROM v_spool WHERE state = 'failed' AND lane IS NULL"))
                .isEqualTo("too large");

        assertThat(SERVER.value("SELECT spool_forget_failed()")).isEqualTo("1");
        assertThat(spool.state().rows()).isEqualTo(1);
        assertThat(waiting(spool)).containsExactly("good");
    }

    @Test
    void theViewIsReadOnly() {
        assertThat(SERVER.value(
                        "SELECT is_insertable_into FROM information_schema.tables WHERE table_name = 'v_spool'"))
                .isEqualTo("NO");
        assertThat(SERVER.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'v_spool'::regclass AND attnum > 0"
                        + " AND col_description(attrelid, attnum) IS NULL"))
                .isEqualTo("0");
    }
}
