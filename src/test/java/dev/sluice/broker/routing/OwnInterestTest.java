package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.QoS;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OwnInterestTest {
    private static final List<String> FILTERS = List.of("a", "a/+", "#", "$share/g/a", "$share/h/#", "$SYS/#");
    private static final List<String> CLIENTS = List.of("c1", "c2", "c3", "c4");

    private final LocalRelay.Board board = new LocalRelay.Board();
    private final LocalRelay relay = new LocalRelay(board, "here");
    private final LocalRelay other = new LocalRelay(board, "there");
    private final Router router = new Router();
    private final OwnInterest interest = router.interest();
    /** What announces, until the test runs it. */
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    @AfterEach
    void close() {
        relay.close();
        other.close();
    }

    private void join() {
        interest.announceTo(relay, tasks::add);
        relay.join();
        other.join();
    }

    private void announce() {
        while (!tasks.isEmpty()) tasks.remove().run();
    }

    private static StoredSubscription to(String filter, QoS qos) {
        return new StoredSubscription(filter, qos, false, false, 0, 0);
    }

    private LivingMember subscribe(String clientId, boolean durable, String filter, QoS qos) {
        var known = router.find(clientId);
        var client = known == null ? new LivingMember(clientId) : (LivingMember) known.recipient();
        router.subscribe(client, durable, TopicFilter.of(filter), to(filter, qos));
        return client;
    }

    private List<RelayMessage> announced() {
        return relay.sent();
    }

    private static void apply(List<? extends RelayMessage> messages, Map<String, Reach> known) {
        for (var message : messages)
            if (message instanceof Members members)
                for (var change : members.changes())
                    apply(key(change.share(), change.clientId(), change.sessionId()), change.reach(), known);
            else for (var change : ((Interest) message).changes()) apply(change.filter(), change.reach(), known);
    }

    private static void apply(String key, Reach reach, Map<String, Reach> known) {
        if (reach == Reach.NONE) known.remove(key);
        else known.put(key, reach);
    }

    /** Of a Shared Subscription, each member is told. */
    private static String key(String filter, String clientId, long sessionId) {
        return TopicFilter.isShared(filter) ? filter + " of " + clientId + " " + sessionId : filter;
    }

    /** What others know after all that was announced. */
    private Map<String, Reach> told() {
        var known = new HashMap<String, Reach>();
        apply(announced(), known);
        return known;
    }

    private Map<String, Reach> whole() {
        var known = new HashMap<String, Reach>();
        apply(interest.whole(), known);
        return known;
    }

    @Test
    void whatPostgresKeepsIsWantedAtQoS0Only() {
        join();
        var durable = subscribe("durable", true, "a", QoS.AT_LEAST_ONCE);
        announce();
        assertThat(told()).isEqualTo(Map.of("a", Reach.AT_MOST_ONCE));
        router.subscribe(durable, true, TopicFilter.of("a"), to("a", QoS.AT_MOST_ONCE));
        announce();
        assertThat(told()).isEqualTo(Map.of("a", Reach.ALL));
        router.subscribe(durable, true, TopicFilter.of("a"), to("a", QoS.EXACTLY_ONCE));
        var live = subscribe("live", false, "a", QoS.AT_LEAST_ONCE);
        announce();
        assertThat(announced()).as("nothing has changed in the end").hasSize(2);
        router.detach(live, true);
        announce();
        assertThat(told()).isEqualTo(Map.of("a", Reach.AT_MOST_ONCE));
        router.detach(durable, false);
        announce();
        assertThat(told()).isEmpty();
    }

    @Test
    void manySubscribersAreOneMessage() {
        join();
        for (int i = 0; i < 100; i++) subscribe("c" + i, false, "t/" + i, QoS.AT_MOST_ONCE);
        for (int i = 0; i < 100; i++) subscribe("d" + i, false, "t/" + i, QoS.AT_MOST_ONCE);
        assertThat(tasks).hasSize(1);
        announce();
        assertThat(announced()).hasSize(1);
        assertThat(told()).hasSize(100);
    }

    @Test
    void aMessageIsNotLargerThanItMayBe() {
        join();
        var levels = "x/".repeat(15_000);
        for (int i = 0; i < 10; i++) subscribe("long" + i, false, levels + i, QoS.AT_MOST_ONCE);
        for (int i = 0; i < 2500; i++) subscribe("short" + i, false, "t/" + i, QoS.AT_MOST_ONCE);
        announce();
        assertThat(told()).hasSize(2510).isEqualTo(whole());
        for (var messages : List.of(announced(), interest.whole()))
            assertThat(messages).allSatisfy(message -> assertThat(((Interest) message).changes())
                    .hasSizeLessThanOrEqualTo(1000)
                    .satisfies(changes -> assertThat(changes.stream()
                                    .mapToInt(it -> it.filter().length())
                                    .sum())
                            .isLessThan(70_000)));
    }

    /** The other has taken in what has come. */
    private void settle() throws InterruptedException {
        var done = new CountDownLatch(1);
        other.execute(done::countDown);
        done.await();
    }

    private boolean await(AtomicInteger seen, String... filters) {
        var some = List.of(filters).stream().map(TopicFilter::of).toList();
        return interest.awaitSeen(new LivingMember("c1"), some, seen::incrementAndGet);
    }

    /** And who leaves one, too: then it is chosen nowhere any more. */
    @Test
    void eachMemberOfASharedSubscriptionIsTold() throws Exception {
        join();
        var member = subscribe("c1", false, "$share/g/a", QoS.AT_LEAST_ONCE);
        subscribe("c2", true, "$share/g/a", QoS.AT_LEAST_ONCE);
        other.ignore();
        announce();
        var one = key("$share/g/a", "c1", 1);
        assertThat(told()).isEqualTo(Map.of(one, Reach.ALL, key("$share/g/a", "c2", 1), Reach.AT_MOST_ONCE));
        assertThat(interest.sharing()).hasSize(2);
        var seen = new AtomicInteger();
        assertThat(await(seen, "$share/g/a")).isTrue();
        other.listen();
        settle();
        assertThat(seen).hasValue(1);
        assertThat(await(seen, "$share/g/a")).as("all know that").isFalse();

        other.ignore();
        router.unsubscribe(member, TopicFilter.of("$share/g/a"));
        assertThat(await(seen, "$share/g/a")).isTrue();
        announce();
        assertThat(await(seen, "$share/g/a")).as("told, and not seen yet").isTrue();
        assertThat(told()).doesNotContainKey(one);
        assertThat(interest.sharing()).hasSize(1);
        other.listen();
        settle();
        assertThat(seen).hasValue(3);
        assertThat(await(seen, "$share/g/a")).isFalse();
    }

    @Test
    void whoSubscribesWaitsUntilAllHaveSeenIt() throws Exception {
        join();
        other.ignore();
        subscribe("c1", false, "a", QoS.AT_LEAST_ONCE);
        subscribe("c1", false, "b", QoS.AT_LEAST_ONCE);
        var seen = new AtomicInteger();
        assertThat(await(seen, "a", "b")).isTrue();
        announce();
        assertThat(await(seen, "a")).isTrue();
        subscribe("c2", true, "b", QoS.AT_LEAST_ONCE);
        subscribe("c2", true, "late", QoS.AT_LEAST_ONCE);
        var later = new AtomicInteger();
        assertThat(await(later, "b", "late")).isTrue();
        announce();
        assertThat(seen).hasValue(0);
        other.listen();
        settle();
        assertThat(seen).hasValue(2);
        assertThat(later).hasValue(1);
        subscribe("c3", false, "a", QoS.AT_LEAST_ONCE);
        assertThat(await(seen, "a", "b", "late", "unknown")).as("all know that").isFalse();
    }

    /** What is wanted less and then more again before it is announced is known to all. */
    @Test
    void aTakeOverAnnouncesNothing() throws Exception {
        join();
        subscribe("c", false, "a", QoS.AT_LEAST_ONCE);
        announce();
        settle();
        router.attach(new LivingMember("c", 1, 2), true, false, List.of(to("a", QoS.AT_LEAST_ONCE)));
        announce();
        assertThat(announced()).hasSize(1);
        assertThat(await(new AtomicInteger(), "a")).isFalse();
    }

    @Test
    void aloneNothingIsAnnouncedAndNobodyWaits() {
        interest.announceTo(relay, tasks::add);
        relay.join();
        subscribe("c1", false, "a", QoS.AT_LEAST_ONCE);
        assertThat(await(new AtomicInteger(), "a")).isFalse();
        assertThat(tasks).isEmpty();
        assertThat(whole()).isEqualTo(Map.of("a", Reach.ALL));
        other.join();
        assertThat(await(new AtomicInteger(), "a")).as("whoever came was told").isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void agreesWithACountOfAllSubscriptions(long seed) {
        join();
        var random = new Random(seed);
        var online = new HashMap<String, LivingMember>();
        var epoch = 1L;
        for (int step = 0; step < 2000; step++) {
            var clientId = CLIENTS.get(random.nextInt(CLIENTS.size()));
            var client = online.get(clientId);
            var filter = TopicFilter.of(FILTERS.get(random.nextInt(FILTERS.size())));
            var qos = QoS.of(random.nextInt(3));
            switch (random.nextInt(6)) {
                case 0 -> {
                    var next = new LivingMember(clientId, random.nextInt(1, 3), ++epoch);
                    router.attach(next, random.nextBoolean(), random.nextBoolean(), some(random));
                    online.put(clientId, next);
                }
                case 1 -> {
                    if (client != null) router.detach(client, random.nextBoolean());
                    online.remove(clientId);
                }
                case 2 -> {
                    if (client != null) router.unsubscribe(client, filter);
                }
                case 3 -> {
                    if (client == null) router.forget(clientId, random.nextInt(1, 3));
                }
                default -> {
                    if (client != null)
                        router.subscribe(client, random.nextBoolean(), filter, to(filter.toString(), qos));
                }
            }
            if (random.nextInt(3) > 0) announce();
            if (!tasks.isEmpty()) continue;
            assertThat(told()).as("seed " + seed + ", step " + step).isEqualTo(counted());
            assertThat(whole()).isEqualTo(counted());
        }
    }

    private static List<StoredSubscription> some(Random random) {
        var some = new ArrayList<StoredSubscription>();
        for (var filter : FILTERS) if (random.nextInt(3) == 0) some.add(to(filter, QoS.of(random.nextInt(3))));
        return some;
    }

    private Map<String, Reach> counted() {
        var counted = new HashMap<String, Reach>();
        for (var clientId : CLIENTS) {
            var subscriber = router.find(clientId);
            if (subscriber == null || subscriber.recipient() == null) continue;
            for (var subscription : subscriber.subscriptions().values()) {
                if (subscription.filter().isServers()) continue;
                var isKept = subscriber.isDurable() && subscription.maximumQoS() != QoS.AT_MOST_ONCE;
                var reach = isKept ? Reach.AT_MOST_ONCE : Reach.ALL;
                var key = key(subscription.filter().toString(), clientId, subscriber.sessionId());
                counted.merge(key, reach, (one, two) -> one.compareTo(two) > 0 ? one : two);
            }
        }
        return counted;
    }
}
