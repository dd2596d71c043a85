package dev.sluice.store.delivery;

import static dev.sluice.store.Messages.expiring;
import static dev.sluice.store.Messages.message;
import static dev.sluice.store.journal.JournalWrite.Outcome.COMMITTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreRig;
import dev.sluice.store.StoreRig.Settings;
import dev.sluice.topic.NameIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class RetainedTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
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
    void aRetainedMessageIsReadAsItWasAccepted() {
        var message = new Message(
                TopicName.of("a/ü"),
                QoS.EXACTLY_ONCE,
                false,
                Properties.NONE.with(Property.CONTENT_TYPE, "x"),
                new byte[] {0, -1},
                1_900_000_000_123L);
        assertThat(rig.retain(message).join()).isEqualTo(COMMITTED);

        assertThat(matching("a/ü"))
                .singleElement()
                .usingRecursiveComparison()
                .withEqualsForFields((one, other) -> Math.abs((long) one - (long) other) < 60_000, "expiresAt")
                .withEqualsForType(Object::equals, TopicName.class)
                .withEqualsForType(Object::equals, Properties.class)
                .isEqualTo(message);
    }

    @Test
    void theLastMessageOfATopicIsRetained() {
        rig.retain(message("a", "1")).join();
        rig.retain(message("a", "2")).join();
        assertThat(payloads("a")).containsExactly("2");

        rig.retain(message("a", "")).join();
        rig.retain(message("never", "")).join();
        assertThat(payloads("#")).isEmpty();
        assertThat(rig.retainedTopics.size()).isZero();
    }

    /** Two publishers' lanes may commit in any order. */
    @Test
    void anOlderMessageDoesNotReplaceANewerOne() {
        var older = rig.retainedTopics.stamp();
        rig.retain(message("set", "newer")).join();
        rig.retain(message("cleared", "")).join();
        rig.retain(message("set", "older"), older).join();
        rig.retain(message("cleared", "older"), older + 1).join();

        assertThat(payloads("#")).containsExactly("newer");
        assertThat(rig.retainedTopics.size()).isEqualTo(1);
    }

    @Test
    void inOneBatchTheNewestDecides() {
        var older = rig.retainedTopics.stamp();
        rig.retain(message("busy", "makes the lane wait"));
        var newer = rig.retain(message("a", "newer"));
        rig.retain(message("a", "older"), older).join();
        newer.join();
        assertThat(payloads("a")).containsExactly("newer");
    }

    @Test
    void whatWasClearedIsForgottenLater() throws Exception {
        rig.retain(message("a", "")).join();
        rig.retain(message("b", "kept")).join();
        rig.sweep.sweepCleared();
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("2");
        SERVER.execute("UPDATE retained SET retained_at = now() - interval '11 minutes'");
        rig.sweep.sweepCleared();
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("1");
        assertThat(payloads("#")).containsExactly("kept");
    }

    /** Of another run of the gateway, whose clock may have been ahead. */
    @Test
    void theTopicsAreReadAtTheStart() {
        rig.retain(message("b/cleared", "1")).join();
        rig.retain(message("b/cleared", "")).join();
        var ahead = System.currentTimeMillis() * 1000 + 3_600_000_000L;
        rig.retain(message("a", "1"), ahead).join();
        IntStream.range(0, 5001)
                .mapToObj(n -> rig.retain(message("many/" + n, "x")))
                .toList()
                .forEach(CompletableFuture::join);

        var next = topics(rig.pool, RetainedBounds.NONE);
        next.load(() -> false);
        assertThat(next.size()).isEqualTo(5002);
        assertThat(next.contains(TopicName.of("many/5000"))).isTrue();
        assertThat(next.contains(TopicName.of("b/cleared"))).isFalse();
        assertThat(next.stamp()).isGreaterThan(ahead);
    }

    private RetainedTopics topics(AgroalDataSource pool, RetainedBounds bounds) {
        var requests = new StoreRequests(pool, Settings.ONE_LANE, rig.health, new SimpleMeterRegistry());
        return new RetainedTopics(requests, rig.clock, bounds, new SimpleMeterRegistry());
    }

    /** Of the longest that there are, few have to be in memory at a time. All are known, also those above the bound. */
    @Test
    void aPageOfLongTopicsEndsEarly() {
        SERVER.execute("INSERT INTO retained (topic, qos, payload)"
                + " SELECT lpad('/' || n, 60000, 'x'), 1, 'x' FROM generate_series(1, 200) n");
        var asked = new AtomicInteger();
        var topics = topics(Pools.counting(rig.pool, asked), new RetainedBounds(0, 1_000_000));
        topics.load(() -> false);
        assertThat(topics.size()).isEqualTo(200);
        assertThat(asked).hasValue(3);
        assertThat(topics.hasRoomFor(TopicName.of("x"))).isFalse();

        var learning = topics(Pools.counting(rig.pool, asked), RetainedBounds.NONE);
        learning.learn(TopicFilter.of("+/#"), () -> false);
        assertThat(learning.size()).isEqualTo(200);
        assertThat(asked).hasValue(6);
    }

    @Test
    void thereIsRoomForSoManyNamesAndBytesOfThem() {
        var topics = topics(rig.pool, new RetainedBounds(3, 10));
        topics.announce(message("1234", "x"));
        assertThat(topics.isFull()).isFalse();
        assertThat(topics.hasRoomFor(TopicName.of("1234567"))).isFalse();
        assertThat(topics.isFull()).isTrue();
        assertThat(topics.hasRoomFor(TopicName.of("123456"))).isTrue();
        topics.announce(message("1", "x"));
        topics.announce(message("2", "x"));
        assertThat(topics.hasRoomFor(TopicName.of("3"))).isFalse();
        assertThat(topics.hasRoomFor(TopicName.of("1234"))).isTrue();
    }

    /** Of several pages, and of topics that the filter # does not match. */
    @Test
    void namesAreForgottenOfWhichAnotherGatewayHasLeftNoMessage() {
        CompletableFuture.allOf(IntStream.range(0, 1100)
                        .mapToObj(n -> rig.retain(message((n % 2 == 0 ? "$job/" : "job/") + n, "x")))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        SERVER.execute("DELETE FROM retained WHERE topic NOT IN ('job/7', '$job/8', 'job/9')");
        SERVER.execute("UPDATE retained SET payload = '' WHERE topic = 'job/9'");
        assertThat(rig.retainedTopics.forgetGone(() -> false)).isEqualTo(1098);
        assertThat(rig.retainedTopics.size()).isEqualTo(2);
        assertThat(payloads("job/+")).containsExactly("x");
        assertThat(payloads("$job/+")).containsExactly("x");
    }

    /** PostgreSQL was asked before it had them. */
    @Test
    void namesAreNotForgottenOfWhatIsRetainedMeanwhile() {
        var topics = rig.retainedTopics;
        var names =
                Stream.of("here", "found", "failed", "gone").map(TopicName::of).toList();
        for (var name : names) rig.retain(message(name.toString(), "old")).join();
        SERVER.execute("DELETE FROM retained");
        var underWay = message("failed", "x");
        var stamp = topics.announce(underWay);

        topics.sweeping(names);
        rig.retain(message("here", "new")).join();
        SERVER.execute("INSERT INTO retained (topic, qos, payload) VALUES ('found', 1, 'new')");
        topics.learn(TopicFilter.of("found"), () -> false);
        topics.swept(names, true);

        assertThat(topics.contains(underWay.topicName())).isTrue();
        topics.settled(underWay, stamp, false);
        assertThat(names)
                .filteredOn(topics::contains)
                .extracting(TopicName::toString)
                .containsExactly("here", "found");
        assertThat(payloads("+")).containsExactly("new", "new");
    }

    @Test
    void namesAreNotForgottenWhenPostgresqlDoesNotAnswer() {
        rig.retain(message("a", "1")).join();
        SERVER.execute("ALTER TABLE retained RENAME TO hidden");
        try {
            assertThatThrownBy(() -> rig.retainedTopics.forgetGone(() -> false)).isInstanceOf(RuntimeException.class);
        } finally {
            SERVER.execute("ALTER TABLE hidden RENAME TO retained");
        }
        assertThat(rig.retainedTopics.contains(TopicName.of("a"))).isTrue();
        assertThat(rig.retainedTopics.forgetGone(() -> false)).isZero();
    }

    @Test
    void whatIsNotCommittedIsSeen() throws Exception {
        rig.retain(message("a", "1")).join();
        try (var locked = SERVER.dataSource().getConnection();
                var lock = locked.createStatement()) {
            locked.setAutoCommit(false);
            lock.execute("SELECT FROM retained WHERE topic = 'a' FOR UPDATE");
            var retaining = rig.retain(message("a", "2"));
            assertThat(Messages.text(
                            rig.retainedTopics.uncommitted(TopicName.of("a")).message()))
                    .isEqualTo("2");
            locked.rollback();
            assertThat(retaining.join()).isEqualTo(COMMITTED);
        }
        assertThat(rig.retainedTopics.uncommitted(TopicName.of("a"))).isNull();
        assertThat(payloads("a")).containsExactly("2");
    }

    @Test
    void whatIsNeverWrittenLeavesNothing() {
        var message = message("a", "1");
        var stamp = rig.retainedTopics.announce(message);
        assertThat(rig.retainedTopics.contains(TopicName.of("a"))).isTrue();
        rig.retainedTopics.settled(message, stamp, false);
        assertThat(rig.retainedTopics.contains(TopicName.of("a"))).isFalse();
        assertThat(rig.retainedTopics.uncommitted(TopicName.of("a"))).isNull();
    }

    @Test
    void inOneBatchTheLastOneDecides() {
        rig.retain(message("busy", "makes the lane wait"));
        var last = List.of(
                rig.retain(message("a", "1")),
                rig.retain(message("b", "1")),
                rig.retain(message("a", "")),
                rig.retain(message("b", "")),
                rig.retain(message("b", "2")));
        last.forEach(CompletableFuture::join);

        assertThat(payloads("#")).containsExactly("2", "makes the lane wait");
    }

    @Test
    void whatHasExpiredIsNotReadAndSwept() throws Exception {
        rig.retain(expiring("a", "expired", -1)).join();
        rig.retain(expiring("b", "later", 60_000)).join();
        rig.retain(message("c", "never")).join();

        assertThat(payloads("#")).containsExactly("later", "never");
        assertThat(rig.sweep.sweepRetained()).isEqualTo(1);
        assertThat(SERVER.value("SELECT count(*) FROM retained")).isEqualTo("2");
        assertThat(rig.retainedTopics.size()).isEqualTo(2);
        assertThat(rig.meters.get("sluice.retained.expired").counter().count()).isEqualTo(1);
    }

    private static final String[] TOPICS =
            ("a a/b a/b/c a/x/c a/b/c/d a// a//b a0 a-/b a! b/b / /a // $SYS $SYS/a $SYS/a/b a.c/x abc/x %/x aa/x"
                            + " a_/x ax/x (x)/1/[y]* ü/1 u/1 1/x\ty x/😀")
                    .split(" ");

    private static final String[] FILTERS =
            ("# + +/+ a a/b a/# a/+ a/+/c +/b +/b/# /# /+ a//+ +/+/+/# $SYS/# $SYS/+ a/b/c/+ a.c/+ %/+ a_/# (x)/+/[y]* ü/+ x/+ +/x\ty")
                    .split(" ");

    @Test
    void aFilterFindsWhatItMatchesAndNothingElse() {
        CompletableFuture.allOf(Stream.of(TOPICS)
                        .map(topic -> rig.retain(message(topic, topic)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
        for (var filter : FILTERS) {
            var matching = TopicFilter.of(filter);
            assertThat(payloads(filter))
                    .as(filter)
                    .containsExactlyInAnyOrderElementsOf(
                            Stream.of(TOPICS).filter(matching::matches).toList());
        }
    }

    @Test
    void longTopicsAreToldApart() {
        var begin = "ü/".repeat(21_000);
        for (var topic :
                List.of(begin + "a", begin + "b", "l/".repeat(150) + "x/a", "l/".repeat(150) + "y/a", "n".repeat(700)))
            rig.retain(message(topic, topic.substring(topic.length() - 3))).join();

        assertThat(payloads(begin + "a")).containsExactly("ü/a");
        assertThat(payloads(begin + "+")).containsExactly("ü/a", "ü/b");
        assertThat(payloads("l/".repeat(150) + "+/a")).containsExactly("x/a", "y/a");
        assertThat(payloads("l/".repeat(150) + "#")).containsExactly("x/a", "y/a");
        assertThat(payloads("n".repeat(700))).containsExactly("nnn");
        assertThat(payloads("n".repeat(699))).isEmpty();
        rig.retain(message(begin + "b", "")).join();
        assertThat(payloads("ü/#")).containsExactly("ü/a");
    }

    @Test
    void readsPageByPage() {
        CompletableFuture.allOf(IntStream.range(0, 1203)
                        .mapToObj(n ->
                                rig.retain(message("p/%04d".formatted(n), n % 400 == 0 ? "x".repeat(400_000) : "" + n)))
                        .toArray(CompletableFuture<?>[]::new))
                .join();

        assertThat(matching("p/+"))
                .extracting(message -> message.topicName().toString())
                .containsExactlyElementsOf(
                        IntStream.range(0, 1203).mapToObj("p/%04d"::formatted).toList());
    }

    @Test
    void aSharedSubscriptionGetsNone() {
        rig.retain(message("a", "1")).join();
        assertThat(payloads("$share/g/a")).isEmpty();
    }

    private List<String> payloads(String filter) {
        return matching(filter).stream().map(Messages::text).toList();
    }

    private List<Message> matching(String filter) {
        var found = new ArrayList<Message>();
        var place = NameIndex.Place.START;
        while (place != null) {
            var names = rig.retainedTopics.find(TopicFilter.of(filter), place, 500, Integer.MAX_VALUE);
            place = names.next();
            for (var left = names.names(); !left.isEmpty(); ) {
                var now = rig.retainedTopics.stamp();
                var page = rig.retained.read(
                        new RetainedReader.Asked(left, Long.MIN_VALUE, now, now, QoS.EXACTLY_ONCE, 1 << 20));
                found.addAll(page.messages());
                left = left.subList(page.covered(), left.size());
            }
        }
        return found;
    }
}
