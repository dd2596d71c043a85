package dev.sluice.broker.routing;

import static dev.sluice.broker.routing.RoutingGateway.message;
import static dev.sluice.broker.routing.RoutingGateway.to;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.config.MqttConfig.ShareOrder;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which member of a Shared Subscription gets a message, of those that are connected to three gateways. */
class SharedAcrossGatewaysTest {
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    private static final String SHARE = "$share/g/a";

    private LocalRelay.Board board;
    private final List<RoutingGateway> all = new ArrayList<>();
    private RoutingGateway here;
    private RoutingGateway there;
    private RoutingGateway elsewhere;

    private void start(ShareOrder order) {
        board = new LocalRelay.Board();
        for (var id : List.of("here", "there", "elsewhere")) all.add(new RoutingGateway(board, id, order));
        here = all.get(0);
        there = all.get(1);
        elsewhere = all.get(2);
        settle();
    }

    @AfterEach
    void close() {
        all.forEach(each -> each.relay.close());
    }

    /** What was sent has arrived, and what was passed on then, too. */
    private void settle() {
        for (int i = 0; i < 3; i++) all.forEach(RoutingGateway::settle);
    }

    /** All gateways know a stored session. */
    private void stored(String clientId) {
        for (var each : all) each.router.restore(clientId, 1, 0, List.of(to(SHARE, ONE)));
    }

    private List<Copy> copies(QoS qos) {
        var routed = here.remote.router().route(TopicName.of("a"), null, qos);
        return routed.publication(message("a", qos, 0), 0).copies();
    }

    private static int sum(List<LivingMember> members) {
        return members.stream().mapToInt(it -> it.taken.size()).sum();
    }

    @ParameterizedTest
    @EnumSource
    void turnsGoRoundAllMembersWhereverTheyAre(QoS qos) {
        start(ShareOrder.NONE);
        var members = List.of(
                here.subscribe("a", SHARE),
                here.subscribe("b", SHARE),
                there.subscribe("c", SHARE),
                elsewhere.subscribe("d", SHARE),
                elsewhere.subscribe("e", SHARE),
                elsewhere.subscribe("f", SHARE));
        for (int i = 0; i < 60; i++) here.publish("a", qos, i);
        settle();
        assertThat(members).allSatisfy(it -> assertThat(it.taken).hasSize(10));
        assertThat(members.stream().flatMap(it -> it.taken.stream()).distinct()).hasSize(60);
        var qosOfAll = members.stream().flatMap(it -> it.deliveries.stream()).map(it -> it.qos());
        assertThat(qosOfAll).containsOnly(qos);
    }

    @Test
    void eachShareNameIsServedAndOptionsHold() {
        start(ShareOrder.NONE);
        var one = there.subscribe("one", SHARE);
        var low = new StoredSubscription("$share/h/+", QoS.AT_MOST_ONCE, false, false, 0, 7);
        var two = there.subscribe(new LivingMember("two"), false, low);
        var own = there.subscribe("own", "a");
        here.publish("a", QoS.EXACTLY_ONCE, 1);
        settle();
        assertThat(one.deliveries.getFirst().qos()).isEqualTo(QoS.EXACTLY_ONCE);
        assertThat(one.deliveries.getFirst().share()).isEqualTo(SHARE);
        assertThat(two.deliveries.getFirst().qos()).isEqualTo(QoS.AT_MOST_ONCE);
        assertThat(two.deliveries.getFirst().subscriptionIdentifiers()).containsExactly(7);
        assertThat(own.taken).hasSize(1);
        assertThat(here.relay.sent())
                .filteredOn(Live.class::isInstance)
                .as("in one letter")
                .hasSize(1);
    }

    @Test
    void aStoredSessionThatIsAwayGetsNothingWhileAnyMemberIsThere() {
        start(ShareOrder.NONE);
        stored("away");
        stored("online");
        assertThat(IntStream.range(0, 10).mapToObj(_ -> copies(ONE).getFirst().clientId()))
                .as("nobody is there")
                .contains("away", "online");
        var online = there.subscribe(new LivingMember("online"), true, to(SHARE, ONE));
        for (int i = 0; i < 10; i++)
            assertThat(copies(ONE)).singleElement().extracting(Copy::clientId).isEqualTo("online");
        var live = elsewhere.subscribe("live", SHARE);
        for (int i = 0; i < 10; i++) here.publish("a", QoS.AT_MOST_ONCE, i);
        settle();
        assertThat(online.taken).hasSize(5);
        assertThat(live.taken).hasSize(5);

        there.detach(online, false, SHARE);
        settle();
        assertThat(copies(ONE)).as("it is for the live one").isEmpty();
        elsewhere.detach(live, true, SHARE);
        settle();
        assertThat(copies(ONE)).hasSize(1);
    }

    /** The gateway of the next connection may be told of before that of the former one. */
    @Test
    void aMemberMayMoveFromGatewayToGateway() {
        start(ShareOrder.NONE);
        stored("member");
        stored("away");
        var before = there.subscribe(new LivingMember("member", 1, 1), true, to(SHARE, ONE));
        var after = new LivingMember("member", 1, 2);
        elsewhere.router.attach(after, true, true, List.of(to(SHARE, ONE)));
        elsewhere.awaitSeen(after, SHARE);
        settle();
        for (int i = 0; i < 5; i++)
            assertThat(copies(ONE).getFirst().clientId()).isEqualTo("member");
        there.detach(before, false, SHARE);
        settle();
        for (int i = 0; i < 5; i++)
            assertThat(copies(ONE).getFirst().clientId()).isEqualTo("member");
        here.router.forget("member", 1);
        for (int i = 0; i < 5; i++)
            assertThat(copies(ONE).getFirst().clientId()).isEqualTo("away");
    }

    @Test
    void whoHasTooMuchToDoIsGivenNoMoreUntilItCanTakeIt() {
        start(ShareOrder.NONE);
        var busy = there.subscribe("busy", SHARE);
        var idle = elsewhere.subscribe("idle", SHARE);
        busy.notReady();
        for (int i = 1; i < OwnReadiness.LOOKS; i++) there.remote.readiness().look();
        settle();
        assertThat(there.relay.sent()).as("it may pass").noneMatch(Readiness.class::isInstance);
        for (int i = 0; i < 3; i++) there.remote.readiness().look();
        settle();
        var late = new RoutingGateway(board, "late", ShareOrder.NONE);
        all.add(late);
        settle();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        for (int i = 10; i < 20; i++) late.publish("a", ONE, i);
        settle();
        assertThat(busy.taken).isEmpty();
        assertThat(idle.taken).hasSize(20);

        busy.readyAgain();
        there.remote.readiness().look();
        settle();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        settle();
        assertThat(busy.taken).hasSize(5);
        var told = there.relay.sent().stream().filter(Readiness.class::isInstance);
        assertThat(told).hasSize(2);
    }

    /** Others have not heard yet that it can take nothing. */
    @Test
    void whatComesForABusyMemberGoesOnOnceToOneThatIsReady() {
        start(ShareOrder.NONE);
        var busy = there.subscribe("busy", SHARE);
        var idle = elsewhere.subscribe("idle", SHARE);
        busy.notReady();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        settle();
        assertThat(idle.taken).hasSize(10);
        idle.notReady();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        settle();
        assertThat(sum(List.of(busy, idle))).isEqualTo(20);
        assertThat(busy.taken).isNotEmpty();
    }

    /** The last member there is gone when a message for it comes. */
    @Test
    void whatNoMemberIsLeftForIsPassedOnOnce() {
        start(ShareOrder.NONE);
        var one = there.subscribe("one", SHARE);
        var two = elsewhere.subscribe("two", SHARE);
        there.relay.ignore();
        for (int i = 0; i < 2; i++) here.publish("a", ONE, i);
        there.router.detach(one, true);
        there.relay.listen();
        settle();
        assertThat(two.taken).containsExactlyInAnyOrder("0", "1");
        var passedOn = new Live(message("a", ONE, 2), null, false, List.of(new Chosen(SHARE, "one")));
        here.relay.send(there.relay.self(), passedOn, _ -> {});
        settle();
        assertThat(two.taken).hasSize(2);
        assertThat(there.count("sluice.remote.missed")).isEqualTo(1);
    }

    @Test
    void aGatewayThatIsGoneHasNoMembers() {
        start(ShareOrder.NONE);
        var one = there.subscribe("one", SHARE);
        var two = elsewhere.subscribe("two", SHARE);
        there.relay.restate();
        settle();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        settle();
        assertThat(one.taken).hasSize(5);
        there.relay.leave();
        settle();
        for (int i = 0; i < 10; i++) here.publish("a", ONE, i);
        settle();
        assertThat(one.taken).hasSize(5);
        assertThat(two.taken).hasSize(15);
        elsewhere.detach(two, true, SHARE);
        settle();
        assertThat(here.remote.router().route(TopicName.of("a"), null, ONE).isNobody())
                .isTrue();
    }

    /** What waited for Kafka then, nobody reads. */
    @Test
    void whatIsOnItsWayToAGatewayThatIsGoneWasNotGiven() {
        start(ShareOrder.NONE);
        there.subscribe("one", SHARE);
        here.relay.answerLate();
        var answers = new ArrayList<Boolean>();
        for (int i = 0; i < 2; i++) {
            var another = here.router.shares().another(message("a", ONE, i), SHARE, null, false);
            here.deliveries.giveElsewhere(another, answers::add);
            if (i == 1) there.relay.leave();
            here.relay.answer(true);
        }
        assertThat(answers).containsExactly(true, false);
    }

    /** What it does not tell again is over. */
    @Test
    void aGatewayThatTellsItsMembersAnewHasThoseOnly() {
        start(ShareOrder.NONE);
        var one = new Member("one", 1, SHARE, Reach.ALL);
        var two = new Member("two", 1, SHARE, Reach.ALL);
        var members = new RemoteMembers(here.router, _ -> true);
        var gateway = there.relay.self();
        members.changed(gateway, new Members(List.of(one, two)));
        members.forget(gateway);
        assertThat(chosen(4, QoS.AT_MOST_ONCE)).as("they count until then").containsOnlyKeys("one", "two");
        members.changed(gateway, new Members(List.of(two)));
        members.restated(gateway);
        assertThat(chosen(4, QoS.AT_MOST_ONCE)).containsOnlyKeys("two");
        members.changed(gateway, new Members(List.of(new Member("two", 1, SHARE, Reach.NONE))));
        assertThat(here.router.shares().find(SHARE)).isNull();
    }

    private Map<String, Integer> chosen(int times, QoS qos) {
        var chosen = new HashMap<String, Integer>();
        for (int i = 0; i < times; i++) chosen.merge(owner(here, "a", null, qos), 1, Integer::sum);
        return chosen;
    }

    private static String owner(RoutingGateway at, String topic, String publisher, QoS qos) {
        var routing = at.router.route(TopicName.of(topic), publisher, qos);
        var local = routing.matches().stream().map(it -> it.subscriber().clientId());
        var remote = routing.elsewhere().stream().map(RemoteMember::clientId);
        return Stream.concat(local, remote).findFirst().orElseThrow();
    }

    @Test
    void tenThousandMembersElsewhereTakeTurns() {
        start(ShareOrder.NONE);
        var members = new RemoteMembers(here.router, _ -> true);
        var some = IntStream.range(0, 10_000)
                .mapToObj(i -> new Member("c" + i, 1, SHARE, Reach.ALL))
                .toList();
        members.changed(there.relay.self(), new Members(some));
        var start = System.nanoTime();
        assertThat(chosen(30_000, ONE)).hasSize(10_000).allSatisfy((_, times) -> assertThat(times)
                .isEqualTo(3));
        System.out.printf("a member of 10,000 takes %d ns to choose%n", (System.nanoTime() - start) / 30_000);
    }

    @Test
    void aTopicAlwaysGoesToTheSameMemberWhereverItIsPublished() {
        start(ShareOrder.TOPIC);
        var share = "$share/g/#";
        for (int i = 0; i < 9; i++) all.get(i % 3).subscribe("c" + i, share);
        settle();
        var before = owners(1000);
        var shares = new HashMap<String, Integer>();
        before.values().forEach(owner -> shares.merge(owner, 1, Integer::sum));
        assertThat(shares).hasSize(9).allSatisfy((_, topics) -> assertThat(topics)
                .isBetween(55, 222));
        for (var at : all) assertThat(owners(at, 1000)).isEqualTo(before);
        var late = there.subscribe("late", share);
        settle();
        var after = owners(1000);
        after.forEach((topic, owner) -> {
            if (!owner.equals("late")) assertThat(owner).as(topic).isEqualTo(before.get(topic));
        });
        there.detach(late, true, share);
        settle();
        assertThat(owners(1000)).isEqualTo(before);
        // One that can take nothing at once keeps what belongs to it.
        ((LivingMember) here.router.find("c0").recipient()).notReady();
        assertThat(owners(1000)).isEqualTo(before);
    }

    private Map<String, String> owners(int topics) {
        return owners(here, topics);
    }

    private static Map<String, String> owners(RoutingGateway at, int topics) {
        var owners = new HashMap<String, String>();
        for (int i = 0; i < topics; i++) owners.put("t/" + i, owner(at, "t/" + i, "p" + i % 3, ONE));
        return owners;
    }

    @Test
    void aPublisherAlwaysHasTheSameMember() {
        start(ShareOrder.CLIENT);
        for (int i = 0; i < 9; i++) all.get(i % 3).subscribe("c" + i, "$share/g/#");
        settle();
        for (int p = 0; p < 20; p++) {
            var publisher = "p" + p;
            var owners = IntStream.range(0, 10).mapToObj(i -> owner(all.get(i % 3), "t/" + i, publisher, ONE));
            assertThat(owners.distinct()).hasSize(1);
        }
    }

    @Test
    void inOrderWhatIsPublishedArrivesInOrder() {
        start(ShareOrder.TOPIC);
        var members = new ArrayList<LivingMember>();
        for (int i = 0; i < 6; i++) members.add(all.get(i % 3).subscribe("c" + i, "$share/g/#"));
        settle();
        for (int i = 0; i < 100; i++) here.publish("t", ONE, i);
        settle();
        await().until(() -> sum(members) == 100);
        var busy = members.stream().filter(it -> !it.taken.isEmpty()).toList();
        assertThat(busy).hasSize(1);
        assertThat(busy.getFirst().taken)
                .isEqualTo(IntStream.range(0, 100).mapToObj(Integer::toString).toList());
    }
}
