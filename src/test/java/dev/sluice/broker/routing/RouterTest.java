package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RouterTest {
    private static final Message RETAINED =
            new Message(TopicName.of("a/b"), QoS.EXACTLY_ONCE, true, Properties.NONE, new byte[0], Message.NEVER);

    private final Router router = new Router();

    private static StoredSubscription to(String filter, QoS qos, int identifier) {
        return new StoredSubscription(filter, qos, false, false, 0, identifier);
    }

    private static StoredSubscription to(String filter) {
        return to(filter, QoS.AT_LEAST_ONCE, 0);
    }

    private List<String> clients(String topicName, String publisher) {
        return router.route(TopicName.of(topicName), publisher, QoS.EXACTLY_ONCE).matches().stream()
                .map(match -> match.subscriber().clientId())
                .sorted()
                .toList();
    }

    @Test
    void tellsEachClientThatMatches() {
        router.restore("c1", 1, 0, List.of(to("a/+")));
        router.restore("c2", 1, 0, List.of(to("a/b")));
        router.restore("c3", 1, 0, List.of(to("b/#")));
        assertThat(clients("a/b", null)).containsExactly("c1", "c2");
        assertThat(router.totals().count()).isEqualTo(3);
    }

    @Test
    void mergesOverlappingSubscriptionsOfOneClient() {
        router.restore("c1", 1, 0, List.of(to("a/+", QoS.AT_MOST_ONCE, 7)));
        router.restore("c1", 1, 0, List.of(to("a/b", QoS.EXACTLY_ONCE, 8)));
        router.restore("c1", 1, 0, List.of(to("#", QoS.AT_LEAST_ONCE, 0)));
        var matches = router.route(TopicName.of("a/b"), null, QoS.EXACTLY_ONCE).matches();
        assertThat(matches).hasSize(1);
        assertThat(matches.getFirst().qos(RETAINED)).isEqualTo(QoS.EXACTLY_ONCE);
        assertThat(matches.getFirst().identifiers()).containsExactlyInAnyOrder(7, 8);
    }

    @Test
    void keepsTheRetainFlagOnlyWhereItIsAskedFor() {
        router.restore("plain", 1, 0, List.of(to("a/b")));
        router.restore(
                "asPublished", 1, 0, List.of(new StoredSubscription("a/b", QoS.AT_LEAST_ONCE, false, true, 0, 0)));
        for (var match :
                router.route(TopicName.of("a/b"), null, QoS.EXACTLY_ONCE).matches())
            assertThat(match.retain(RETAINED))
                    .isEqualTo(match.subscriber().clientId().equals("asPublished"));
    }

    @Test
    void doesNotSendAClientItsOwnMessagesWhereNoLocalIsSet() {
        router.restore("c1", 1, 0, List.of(new StoredSubscription("a/b", QoS.AT_LEAST_ONCE, true, false, 0, 0)));
        assertThat(clients("a/b", "c1")).isEmpty();
        assertThat(clients("a/b", "c2")).containsExactly("c1");
    }

    @Test
    void replacesASubscriptionWithTheSameFilter() {
        router.restore("c1", 1, 0, List.of(to("a/b", QoS.EXACTLY_ONCE, 1)));
        router.restore("c1", 1, 0, List.of(to("a/b", QoS.AT_MOST_ONCE, 2)));
        var match = router.route(TopicName.of("a/b"), null, QoS.EXACTLY_ONCE)
                .matches()
                .getFirst();
        assertThat(match.qos(RETAINED)).isEqualTo(QoS.AT_MOST_ONCE);
        assertThat(match.identifiers()).containsExactly(2);
        assertThat(router.totals().count()).isEqualTo(1);
    }

    @Test
    void givesAMessageOfASharedSubscriptionToOneMemberInTurn() {
        for (var clientId : List.of("c1", "c2", "c3")) router.restore(clientId, 1, 0, List.of(to("$share/g/a/#")));
        router.restore("own", 1, 0, List.of(to("a/#")));
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 30; i++) for (var clientId : clients("a/b", null)) counts.merge(clientId, 1, Integer::sum);
        assertThat(counts).isEqualTo(Map.of("c1", 10, "c2", 10, "c3", 10, "own", 30));
    }

    @Test
    void servesEachShareNameForItself() {
        router.restore("c1", 1, 0, List.of(to("$share/g/a")));
        router.restore("c2", 1, 0, List.of(to("$share/h/a")));
        router.restore("c2", 1, 0, List.of(to("$share/g/a")));
        assertThat(router.route(TopicName.of("a"), null, QoS.EXACTLY_ONCE).matches())
                .hasSize(2);
    }

    @Test
    void findsAnotherMemberForWhatOneLeaves() {
        router.restore("c1", 1, 0, List.of(to("$share/g/a")));
        router.restore("c2", 1, 0, List.of(to("$share/g/a")));
        router.forget("c1", 1);
        assertThat(another(null).clientId()).isEqualTo("c2");
        router.forget("c2", 1);
        assertThat(another(null)).isNull();
    }

    /** Of {@code $share/g/a}; null for none. */
    private Subscriber another(Recipient leaving) {
        var publication = router.shares().another(RETAINED, "$share/g/a", leaving, false);
        var matches = Stream.concat(
                publication.live().stream(), publication.kept().stream().map(Kept::match));
        return matches.map(Match::subscriber).findFirst().orElse(null);
    }

    @Test
    void forgetsAClientWhoseSessionHasEnded() {
        router.restore("c1", 1, 0, List.of(to("a/b")));
        router.restore("c1", 1, 0, List.of(to("$share/g/a/b")));
        router.forget("c1", 1);
        assertThat(clients("a/b", null)).isEmpty();
        assertThat(router.find("c1")).isNull();
        assertThat(router.totals().count()).isZero();
    }

    @Test
    void keepsCopiesForDurableSessionsAboveQoS0Only() {
        router.restore("c1", 1, 0, List.of(to("a/b", QoS.AT_LEAST_ONCE, 0)));
        router.restore("c2", 1, 0, List.of(to("a/b", QoS.AT_MOST_ONCE, 0)));
        var publication = Publication.of(
                RETAINED,
                router.route(RETAINED.topicName(), null, QoS.EXACTLY_ONCE).matches());
        assertThat(publication.copies()).hasSize(1);
        assertThat(publication.copies().getFirst().clientId()).isEqualTo("c1");
        assertThat(publication.isKept()).isTrue();
    }

    /** A connection as the router sees it. */
    private record Line(String clientId, long sessionId, long epoch, AtomicBoolean takenOver) implements Recipient {
        Line(String clientId, long epoch) {
            this(clientId, epoch, epoch, new AtomicBoolean());
        }

        @Override
        public boolean isTakenOver() {
            return takenOver.get();
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public Executor loop() {
            return Runnable::run;
        }

        @Override
        public void tell(Event event) {}

        @Override
        public void deliver(Delivery delivery) {}

        @Override
        public void delivered(Delivery delivery) {}
    }

    /** One that counts how often it is asked whether it can take a message. */
    private static final class Member implements Recipient {
        private final String clientId;
        private final AtomicInteger asked;
        private boolean ready = true;

        Member(String clientId, AtomicInteger asked) {
            this.clientId = clientId;
            this.asked = asked;
        }

        @Override
        public String clientId() {
            return clientId;
        }

        @Override
        public long sessionId() {
            return 1;
        }

        @Override
        public long epoch() {
            return 1;
        }

        @Override
        public boolean isReady() {
            asked.incrementAndGet();
            return ready;
        }

        @Override
        public boolean isTakenOver() {
            return false;
        }

        @Override
        public Executor loop() {
            return Runnable::run;
        }

        @Override
        public void tell(Event event) {}

        @Override
        public void deliver(Delivery delivery) {}

        @Override
        public void delivered(Delivery delivery) {}
    }

    private List<Member> members(int count, AtomicInteger asked) {
        var filter = TopicFilter.of("$share/g/a");
        var members = new ArrayList<Member>();
        for (int i = 0; i < count; i++) {
            var member = new Member("c" + i, asked);
            members.add(member);
            router.subscribe(member, false, filter, to("$share/g/a"));
        }
        return members;
    }

    @Test
    void aMessageForManyMembersAsksNoMoreThanForFew() {
        var asked = new AtomicInteger();
        var members = members(10_000, asked);
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 30_000; i++)
            for (var clientId : clients("a", null)) counts.merge(clientId, 1, Integer::sum);
        assertThat(counts).hasSize(10_000).allSatisfy((_, count) -> assertThat(count)
                .isEqualTo(3));
        assertThat(asked.get()).isLessThan(2 * 30_000);

        for (var member : members) member.ready = false;
        asked.set(0);
        assertThat(clients("a", null)).hasSize(1);
        assertThat(asked.get()).isLessThan(100);
        assertThat(another(members.getFirst()).recipient()).isNotSameAs(members.getFirst());
    }

    @Test
    void membersThatCanTakeAMessageGoBeforeThoseThatAreBusyAndThoseAway() {
        router.restore("away", 1, 0, List.of(to("$share/g/a")));
        var members = members(3, new AtomicInteger());
        members.get(0).ready = false;
        for (int i = 0; i < 10; i++) assertThat(clients("a", null)).doesNotContain("away", "c0");
        for (var member : members.subList(1, 3)) router.detach(member, true);
        assertThat(clients("a", null)).containsExactly("c0");
        router.detach(members.getFirst(), true);
        assertThat(clients("a", null)).containsExactly("away");
        router.forget("away", 1);
        assertThat(clients("a", null)).isEmpty();
        assertThat(router.totals().count()).isZero();
    }

    @Test
    void knowsHowManyBytesAClientsFiltersHave() {
        var member = new Member("c", new AtomicInteger());
        router.subscribe(member, false, TopicFilter.of("abc"), to("abc"));
        router.subscribe(member, false, TopicFilter.of("abc"), to("abc"));
        router.subscribe(member, false, TopicFilter.of("de"), to("de"));
        assertThat(router.find("c").filterBytes()).isEqualTo(5);
        router.unsubscribe(member, TopicFilter.of("abc"));
        assertThat(router.find("c").filterBytes()).isEqualTo(2);
    }

    /** They were copied once for each filter that matches: half a million numbers for a thousand filters. */
    @Test
    void aThousandOverlappingFiltersAreMergedOnce() {
        for (int i = 0; i < 1000; i++) {
            var filter = new StringBuilder();
            for (int bit = 0; bit < 10; bit++)
                filter.append((i >> bit & 1) == 0 ? "+" : "a").append(bit < 9 ? "/" : "");
            router.restore("c", 1, 0, List.of(to(filter.toString(), QoS.AT_MOST_ONCE, i + 1)));
        }
        var match = router.route(TopicName.of("a/a/a/a/a/a/a/a/a/a"), null, QoS.EXACTLY_ONCE)
                .matches()
                .getFirst();
        assertThat(match.identifiers()).hasSize(1000).doesNotHaveDuplicates();
    }

    /** The later connection has nothing yet, so that no entry says that there is one. */
    @Test
    void aConnectionThatWasTakenOverLeavesNothing() {
        for (var durable : List.of(false, true)) {
            var older = new Line("c1", 1);
            router.attach(older, false, durable, List.of());
            older.takenOver().set(true);
            router.attach(new Line("c1", 2), false, false, List.of());
            router.subscribe(older, durable, TopicFilter.of("a/b"), to("a/b"));
            router.detach(older, false);
            assertThat(router.totals().count()).isZero();
            assertThat(clients("a/b", null)).isEmpty();
        }
    }

    /** It was taken over at another gateway, which knows what its client has subscribed to since. */
    @Test
    void whatIsNotDurableEndsWithItsConnection() {
        var line = new Line("c1", 1);
        router.attach(line, false, false, List.of());
        router.subscribe(line, false, TopicFilter.of("a/b"), to("a/b"));
        router.detach(line, false);
        assertThat(router.find("c1")).isNull();
    }

    @Test
    void newsOfAnEarlierSessionDoesNotEndTheNext() {
        router.attach(new Line("c1", 2), false, true, List.of(to("a/b")));
        router.detach(router.find("c1").recipient(), false);
        router.forget("c1", 1);
        assertThat(clients("a/b", null)).containsExactly("c1");
        router.forget("c1", 2);
        assertThat(clients("a/b", null)).isEmpty();
    }

    @Test
    void aSessionThatHasNoQueueAnyMoreIsForgotten() {
        router.restore("c1", 1, 0, List.of(to("a/b")));
        var publication = Publication.of(
                RETAINED,
                router.route(RETAINED.topicName(), null, QoS.EXACTLY_ONCE).matches());
        publication.committed(); // its copy was given no place
        assertThat(router.find("c1")).isNull();
    }

    /** Else each that reconnects would make every publisher look its subscribers up anew. */
    @Test
    void aClientThatIsBackWithTheSameSubscriptionsChangesNoRoute() {
        router.restore("c1", 7, 0, List.of(to("a/b", QoS.AT_LEAST_ONCE, 0)));
        router.restore("c1", 7, 0, List.of(to("a/c", QoS.AT_LEAST_ONCE, 0)));
        var version = router.version();
        var arrivals = router.arrivals();
        router.attach(back(), true, true, List.of(to("a/b"), to("a/c")));
        assertThat(router.version()).isEqualTo(version);
        assertThat(router.arrivals()).isGreaterThan(arrivals);
        router.attach(back(), true, true, List.of(to("a/b"), to("a/c", QoS.EXACTLY_ONCE, 0)));
        assertThat(router.version()).isGreaterThan(version);
        assertThat(router.route(TopicName.of("a/c"), null, QoS.EXACTLY_ONCE)
                        .matches()
                        .getFirst()
                        .qos(RETAINED))
                .isEqualTo(QoS.EXACTLY_ONCE);
    }

    private static Line back() {
        return new Line("c1", 7, 9, new AtomicBoolean());
    }
}
