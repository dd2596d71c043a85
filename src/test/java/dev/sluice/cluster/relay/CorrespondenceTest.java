package dev.sluice.cluster.relay;

import static dev.sluice.cluster.relay.RelayModel.BOARD;
import static dev.sluice.cluster.relay.RelayModel.settle;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.relay.RelayModel.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What gateways know of each other, whatever order Kafka brings it in, and whatever it loses. */
class CorrespondenceTest {
    private static final Map<String, Reach> X = Map.of("x", Reach.ALL);

    private final RelayModel model = new RelayModel();

    @Test
    void aNewcomerIsReadyWhenItKnowsWhatTheOthersWant() {
        var a = model.join("a");
        a.want("x");
        var b = model.join("b");
        assertThat(b.correspondence.isComplete()).isFalse();
        settle(a, b);
        assertThat(b.correspondence.isComplete()).isTrue();
        assertThat(b.others).isEqualTo(Map.of("a", X));
        assertThat(b.heard).containsExactly("forgets a", "a x ALL", "a restated", "gap of a");
    }

    @Test
    void whoeverWasAwayIsReadyWhenItKnowsWhatTheOthersWant() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        b.want("x");
        model.partition(BOARD).clear(); // it was away for longer than that is kept
        a.losesItsPlace();
        a.correspondence.rejoin();
        assertThat(a.correspondence.isComplete()).isFalse();
        settle(a, b);
        assertThat(a.correspondence.isComplete()).isTrue();
        assertThat(a.others).isEqualTo(Map.of("b", X));
    }

    @Test
    void anAnnouncementWaitsForAllThatHaveSeenIt() {
        var a = model.join("a");
        var b = model.join("b");
        var c = model.join("c");
        settle(a, b, c);
        var seen = new AtomicBoolean();
        a.want("x", Reach.ALL, () -> seen.set(true));
        b.run();
        a.run();
        assertThat(seen).isFalse();
        c.run();
        a.run();
        assertThat(seen).isTrue();
    }

    @Test
    void whoeverHasJoinedHasToSeeWhatIsAnnounced() {
        var a = model.join("a");
        var b = model.register("b");
        var early = new AtomicBoolean();
        a.run();
        a.want("x", Reach.ALL, () -> early.set(true));
        assertThat(early).as("it has not joined: it asks").isTrue();
        b.join();
        a.run();
        var late = new AtomicBoolean();
        a.want("y", Reach.ALL, () -> late.set(true));
        assertThat(late).isFalse();
        settle(a, b);
        assertThat(late).isTrue();
        assertThat(b.others.get("a")).containsOnlyKeys("x", "y");
    }

    @Test
    void whatIsBehindTheMarkerComesAfterTheAnswer() {
        var a = model.join("a");
        a.want("x");
        var b = model.join("b");
        a.run();
        a.want("x", Reach.NONE, () -> {});
        a.want("y");
        b.readBoard(100);
        assertThat(b.heard).isEmpty();
        b.readMailbox(100);
        assertThat(b.heard).containsExactly("forgets a", "a x ALL", "a restated", "a x NONE", "a y ALL", "gap of a");
        assertThat(b.others).isEqualTo(Map.of("a", Map.of("y", Reach.ALL)));
    }

    @Test
    void anAnswerThatComesBeforeItsMarkerWaitsForIt() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        model.loses = (partition, envelope) ->
                partition == BOARD && RelayCodec.letter(envelope.content()) instanceof Letter.Told;
        a.want("x");
        model.loses = (_, _) -> false;
        a.want("y");
        b.run(); // finds the gap, and asks
        a.want("z");
        a.run();
        a.want("z", Reach.NONE, () -> {});
        b.heard.clear();
        b.readMailbox(100);
        assertThat(b.heard).isEmpty();
        b.readBoard(100);
        assertThat(b.heard)
                .containsExactly("a z ALL", "forgets a", "a x ALL", "a y ALL", "a z ALL", "a restated", "a z NONE");
    }

    @Test
    void aGapOnTheBoardIsMended() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        b.heard.clear();
        model.loses = (partition, _) -> partition == BOARD;
        var seen = new AtomicBoolean();
        a.want("x", Reach.ALL, () -> seen.set(true));
        model.loses = (_, _) -> false;
        settle(a, b);
        assertThat(seen).isFalse();
        a.want("y");
        b.readBoard(100);
        assertThat(b.heard).containsExactly("gap of a", "a y ALL");
        assertThat(b.count("sluice.relay.gaps")).isOne();
        settle(a, b);
        assertThat(b.others.get("a")).containsOnlyKeys("x", "y");
        assertThat(seen).isTrue();
    }

    /** What is lost behind the marker need not be in the answer. */
    @Test
    void aGapBehindTheMarkerIsMendedByAnotherAnswer() {
        var a = model.join("a");
        a.want("x");
        var b = model.join("b");
        a.run();
        model.loses = (partition, _) -> partition == BOARD;
        a.want("y");
        model.loses = (_, _) -> false;
        a.want("z");
        b.readBoard(100);
        b.readMailbox(100);
        assertThat(b.correspondence.isComplete()).isFalse();
        settle(a, b);
        assertThat(b.others.get("a")).containsOnlyKeys("x", "y", "z");
        assertThat(b.correspondence.isComplete()).isTrue();
    }

    @Test
    void aGapInTheMailboxIsTold() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        b.heard.clear();
        model.loses = (partition, _) -> partition == b.gateway.mailbox();
        send(a, b.gateway, 1);
        model.loses = (_, _) -> false;
        send(a, b.gateway, 2);
        settle(a, b);
        assertThat(b.letters).containsExactly(queued(2));
        assertThat(b.heard).containsExactly("gap of a", "forgets a", "a restated");
    }

    @Test
    void thereIsNoRoomAboveTheBound() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        var filter = "x".repeat(2_000_000);
        a.want(filter);
        var answers = new ArrayList<Boolean>();
        a.outboxes.send(b.gateway, new byte[2_000_000], answers::add);
        assertThat(answers).containsExactly(false);
        assertThat(a.count("sluice.relay.refused")).isEqualTo(2);
        a.want("y");
        settle(a, b);
        assertThat(b.others.get("a")).containsOnlyKeys(filter, "y");
    }

    private static Queued queued(long seq) {
        return new Queued(List.of(new Place("c", 1, seq)));
    }

    private static void send(Member from, Gateway to, long seq) {
        from.outboxes.send(to, RelayCodec.letter(new Letter.Told(queued(seq))), _ -> {});
    }

    @Test
    void lettersForAnEarlierHolderOfTheMailboxAreIgnored() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        send(a, b.gateway, 1);
        var late = model.partition(b.gateway.mailbox()).getLast();
        model.fleet.bury(b.gateway);
        var c = model.join("c");
        assertThat(c.gateway.mailbox()).isEqualTo(b.gateway.mailbox());
        model.partition(c.gateway.mailbox()).add(late);
        settle(a, c);
        assertThat(c.letters).isEmpty();
        assertThat(c.registry
                        .get("sluice.relay.ignored")
                        .tag("reason", "other_run")
                        .counter()
                        .count())
                .isOne();
        send(a, c.gateway, 2);
        settle(a, c);
        assertThat(c.letters).containsExactly(queued(2));
    }

    @Test
    void oneThatIsGoneIsForgottenAndNobodyWaitsForIt() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        b.want("y");
        a.run();
        var seen = new AtomicBoolean();
        a.want("x", Reach.ALL, () -> seen.set(true));
        model.fleet.bury(b.gateway);
        assertThat(seen).isFalse();
        a.run();
        assertThat(seen).isTrue();
        assertThat(a.others).isEmpty();
        assertThat(a.heard).endsWith("forgets b");
        var answers = new ArrayList<Boolean>();
        a.outboxes.send(b.gateway, new byte[] {1}, answers::add);
        assertThat(answers).containsExactly(true);
    }

    @Test
    void oneThatWritesBeforePostgresNamesItIsNotMissed() {
        var a = model.join("a");
        var b = model.register("b");
        model.fleet.bury(b.gateway); // as a sees it
        b.join();
        b.want("x");
        a.run();
        assertThat(a.others).isEmpty();
        model.fleet.revive(b.gateway);
        settle(a, b);
        assertThat(a.others).isEqualTo(Map.of("b", X));
    }

    /** As one that was frozen, and was not taken for dead. */
    @Test
    void anEarlierOneThatWasNotNamedIsAskedAtOnce() {
        var a = model.join("a");
        a.want("x");
        model.fleet.bury(a.gateway);
        var b = model.join("b");
        assertThat(b.correspondence.isComplete()).isTrue();
        model.fleet.revive(a.gateway);
        settle(a, b);
        assertThat(b.others).isEqualTo(Map.of("a", X));
    }

    /** As when PostgreSQL names it no more, and then again. */
    @Test
    void oneThatIsThereAgainIsHeardAgain() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        send(a, b.gateway, 1);
        settle(a, b);
        model.fleet.bury(b.gateway);
        a.run();
        model.fleet.revive(b.gateway);
        a.run();
        send(a, b.gateway, 2);
        settle(a, b);
        assertThat(b.letters).containsExactly(queued(1), queued(2));
    }

    @Test
    void whoLosesItsPlaceAsksEverybody() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        a.want("x");
        b.losesItsPlace();
        settle(a, b);
        assertThat(b.others).isEqualTo(Map.of("a", X));
        b.heard.clear();
        b.beginsAgain();
        settle(a, b);
        assertThat(b.heard).as("repeats are known").containsOnlyOnce("a x ALL");
        assertThat(b.others).isEqualTo(Map.of("a", X));
    }

    @Test
    void aLetterWithoutItsBeginningIsNone() {
        var numbers = new Peer.Numbers();
        var end = new Envelope("a", 1, 5, 1, true, false, RelayCodec.letter(new Letter.Heartbeat()));
        assertThat(numbers.take(5)).isTrue();
        assertThat(numbers.join(end)).isNull();
        var beginning = new Envelope("a", 1, 6, 1, false, true, new byte[] {1});
        assertThat(numbers.take(6)).isTrue();
        assertThat(numbers.join(beginning)).isNull();
        assertThat(numbers.take(8)).as("there is no 7").isFalse();
        assertThat(numbers.join(end)).isNull();
        assertThat(numbers.take(9)).isTrue();
        assertThat(numbers.join(beginning)).isNull();
        assertThat(numbers.take(10)).isTrue();
        assertThat(numbers.join(end)).hasSize(2);
    }

    @Test
    void garbageIsCountedAndNothingElse() {
        var a = model.join("a");
        var b = model.join("b");
        settle(a, b);
        model.partition(BOARD).add(new byte[] {1, 2, 3});
        model.partition(BOARD).add(new byte[0]);
        a.outboxes.announce(new byte[] {127, 1}, _ -> {}); // a letter of a later version
        var seen = new AtomicBoolean();
        a.want("x", Reach.ALL, () -> seen.set(true));
        settle(a, b);
        assertThat(seen).isTrue();
        assertThat(b.others).isEqualTo(Map.of("a", X));
        assertThat(b.registry
                        .get("sluice.relay.ignored")
                        .tag("reason", "unreadable")
                        .counter()
                        .count())
                .isEqualTo(3);
    }

    /** Whatever happens to whom and in which order: in the end everybody knows what the others want. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void inTheEndEverybodyKnows(long seed) {
        var random = new Random(seed);
        model.loses = (_, _) -> random.nextInt(50) == 0;
        var members = new ArrayList<Member>();
        for (int i = 0; i < 3000; i++) {
            switch (random.nextInt(40)) {
                case 0 -> {
                    if (members.size() < 5) members.add(model.join("g" + i));
                }
                case 1 -> {
                    if (members.size() > 2) model.fleet.bury(members.remove(random.nextInt(members.size())).gateway);
                }
                case 2 -> {
                    if (!members.isEmpty()) any(members, random).losesItsPlace();
                }
                default -> {
                    if (!members.isEmpty()) step(any(members, random), random);
                }
            }
        }
        model.loses = (_, _) -> false;
        for (var member : members) member.want("last");
        for (int n = 0; n < 60 && !know(members); n++, model.passed = model.passed.plusSeconds(1))
            settle(members.toArray(Member[]::new));
        for (var member : members) assertThat(member.others).isEqualTo(expected(members, member));
    }

    private static Member any(List<Member> members, Random random) {
        return members.get(random.nextInt(members.size()));
    }

    private static void step(Member member, Random random) {
        switch (random.nextInt(4)) {
            case 0 -> member.want("f" + random.nextInt(20), Reach.values()[random.nextInt(3)], () -> {});
            case 1 -> member.readBoard(random.nextInt(5));
            case 2 -> member.readMailbox(random.nextInt(5));
            default -> member.correspondence.turn();
        }
    }

    private static boolean know(List<Member> members) {
        return members.stream().allMatch(member -> member.others.equals(expected(members, member)));
    }

    private static Map<String, Map<String, Reach>> expected(List<Member> members, Member member) {
        return members.stream()
                .filter(other -> other != member)
                .collect(Collectors.toMap(other -> other.gateway.id(), other -> other.wants));
    }
}
