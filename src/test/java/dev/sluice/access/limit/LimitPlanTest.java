package dev.sluice.access.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.limit.LimitPlan.Answer;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whose limit counts, who shares it, and what is remembered of it. */
class LimitPlanTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int MOST_IDLE = 10;

    private final Shares shares = new Shares(SECOND, MOST_IDLE);
    private long now = 42;

    private static LimitValues limits(Limit limit, long value) {
        return new LimitValues(Map.of(limit, value));
    }

    private LimitPlan plan(Map<Scope, LimitValues> defaults, Map<String, LimitValues> groups) {
        return new LimitPlan(defaults, groups, shares);
    }

    private static Applicant client(String clientId, String identity, Set<String> groups, Map<String, Long> limits) {
        return new Applicant(clientId, identity, groups, limits, "192.0.2.1");
    }

    private Allowance admit(LimitPlan plan, Applicant who) {
        return ((Answer.Admitted) plan.admit(who, null, true, now)).allowance();
    }

    private static long own(LimitPlan plan, Set<String> groups, Map<String, Long> limits) {
        return plan.ofClient(client("c", "ann", groups, limits)).of(Limit.MESSAGES_IN);
    }

    @Test
    void theCredentialCountsThenTheTightestGroupThenTheDefault() {
        var plan = plan(
                Map.of(Scope.CLIENT, limits(Limit.MESSAGES_IN, 100)),
                Map.of("slow", limits(Limit.MESSAGES_IN, 10), "fast", limits(Limit.MESSAGES_IN, 1000)));
        assertThat(own(plan, Set.of(), Map.of())).isEqualTo(100);
        assertThat(own(plan, Set.of("fast"), Map.of())).isEqualTo(1000);
        assertThat(own(plan, Set.of("fast", "slow", "unknown"), Map.of())).isEqualTo(10);
        assertThat(own(plan, Set.of("slow"), Map.of("messages-in", 5000L))).isEqualTo(5000);
        // Others of its limits stay those of the group.
        assertThat(own(plan, Set.of("slow"), Map.of("messages-out", 1L, "nonsense", 1L, "identity.messages-in", 3L)))
                .isEqualTo(10);
    }

    @Test
    void withoutLimitsNothingIsKept() {
        var plan = plan(Map.of(), Map.of("fast", limits(Limit.MESSAGES_IN, 1000)));
        assertThat(admit(plan, client("c", "ann", Set.of("slow"), Map.of()))).isNull();
        assertThat(plan.connecting("192.0.2.1", now)).isNull();
        assertThat(shares.size()).isZero();
    }

    /** Everybody who shares a limit has to have room. */
    @Test
    void theTightestOfAllWhoShareWins() {
        var plan = plan(
                Map.of(
                        Scope.CLIENT, limits(Limit.MESSAGES_IN, 10),
                        Scope.GROUP, limits(Limit.MESSAGES_IN, 15),
                        Scope.GATEWAY, limits(Limit.BYTES_IN, 1000)),
                Map.of());
        var one = admit(plan, client("one", "ann", Set.of("g"), Map.of()));
        var other = admit(plan, client("other", "bob", Set.of("g"), Map.of()));
        var third = admit(plan, client("third", "eve", Set.of(), Map.of()));
        for (int i = 0; i < 10; i++) one.takeIn(1, now);
        assertThat(one.excessIn(now)).extracting(Allowance.Excess::scope).isEqualTo(Scope.CLIENT);
        assertThat(other.excessIn(now)).isNull();
        for (int i = 0; i < 5; i++) other.takeIn(1, now);
        assertThat(other.excessIn(now)).extracting(Allowance.Excess::scope).isEqualTo(Scope.GROUP);
        assertThat(third.excessIn(now)).isNull();
        third.takeIn(2000, now);
        var excess = third.excessIn(now);
        assertThat(excess.limit()).isEqualTo(Limit.BYTES_IN);
        assertThat(excess.scope()).isEqualTo(Scope.GATEWAY);
        assertThat(third.excessIn(now + excess.nanos())).isNull();
        assertThat(third.excessOut(now)).isNull();
    }

    @Test
    void connectionsAreCountedAndGivenBack() {
        var plan = plan(
                Map.of(Scope.IDENTITY, limits(Limit.CONNECTIONS, 2), Scope.ADDRESS, limits(Limit.CONNECTIONS, 3)),
                Map.of());
        var one = admit(plan, client("1", "ann", Set.of(), Map.of()));
        admit(plan, client("2", "ann", Set.of(), Map.of()));
        assertThat(plan.admit(client("3", "ann", Set.of(), Map.of()), null, true, now))
                .isEqualTo(new Answer.Refused(Limit.CONNECTIONS, Scope.IDENTITY));
        // Anonymous clients are no identity.
        admit(plan, client("4", "", Set.of(), Map.of()));
        assertThat(plan.admit(client("5", "bob", Set.of(), Map.of()), null, true, now))
                .isEqualTo(new Answer.Refused(Limit.CONNECTIONS, Scope.ADDRESS));
        one.leave(now);
        admit(plan, client("5", "bob", Set.of(), Map.of()));
        assertThat(plan.admit(client("6", "bob", Set.of(), Map.of()), null, true, now))
                .isInstanceOf(Answer.Refused.class);
    }

    @Test
    void whoProvesAgainWhoItIsKeepsItsPlace() {
        var plan = plan(
                Map.of(Scope.IDENTITY, limits(Limit.CONNECTIONS, 1), Scope.GROUP, limits(Limit.CONNECTIONS, 1)),
                Map.of());
        var ann = client("1", "ann", Set.of("a"), Map.of());
        var first = admit(plan, ann);
        admit(plan, client("2", "bob", Set.of("b"), Map.of()));
        var again = ((Answer.Admitted) plan.admit(ann, first, false, now)).allowance();
        first.leave(now);
        // In a group that is full there is none for it, and it has what it had.
        assertThat(plan.admit(client("1", "ann", Set.of("b"), Map.of()), again, false, now))
                .isEqualTo(new Answer.Refused(Limit.CONNECTIONS, Scope.GROUP));
        assertThat(plan.admit(ann, null, true, now)).isEqualTo(new Answer.Refused(Limit.CONNECTIONS, Scope.IDENTITY));
        again.leave(now);
        admit(plan, ann);
    }

    private static LimitValues oneConnection(long connects) {
        return new LimitValues(Map.of(Limit.CONNECTIONS, 1L, Limit.CONNECTS, connects));
    }

    /** It still holds its places, and yields them to the next that may come. */
    @Test
    void whoIsNotTakenOverAfterAllYieldsToTheNext() {
        var plan = plan(Map.of(Scope.IDENTITY, oneConnection(1)), Map.of());
        var ann = client("1", "ann", Set.of(), Map.of());
        var first = admit(plan, ann);
        assertThat(plan.admit(client("2", "ann", Set.of(), Map.of()), null, true, now))
                .isEqualTo(new Answer.Refused(Limit.CONNECTIONS, Scope.IDENTITY));
        assertThat(plan.admit(ann, first, true, now)).isEqualTo(new Answer.Refused(Limit.CONNECTS, Scope.IDENTITY));
        now += 10 * SECOND;
        assertThat(plan.admit(ann, first, true, now)).isInstanceOf(Answer.Admitted.class);
    }

    /** A client that comes back again and again would hold one more each time. */
    @Test
    void whoHasLeftHoldsNothingOfThoseThatItHasTakenOver() {
        var plan = plan(Map.of(Scope.IDENTITY, oneConnection(1000)), Map.of());
        var ann = client("1", "ann", Set.of(), Map.of());
        var first = admit(plan, ann);
        var forgotten = new WeakReference<>(first);
        var last = first;
        for (int i = 0; i < 2; i++) {
            var next = ((Answer.Admitted) plan.admit(ann, last, true, now)).allowance();
            last.leave(now);
            last = next;
        }
        first = null;
        await().untilAsserted(() -> {
            System.gc();
            assertThat(forgotten.get()).isNull();
        });
        last.leave(now);
    }

    @Test
    void whatACredentialMaySay() {
        assertThat(LimitPlan.mistake("messages-in", 1)).isNull();
        assertThat(LimitPlan.mistake("subscriptions", 0)).isNull();
        assertThat(LimitPlan.mistake("identity.connections", 3)).isNull();
        assertThat(LimitPlan.mistake("messages-in", 0)).isEqualTo("is 0, and has to be at least 1");
        for (var none : new String[] {"", "connections", "sessions", "identity.queue-count", "identity.", "other"})
            assertThat(LimitPlan.mistake(none, 1)).startsWith("is not one of connects, messages-in, ");
    }

    @Test
    void connectsOfAnAddressCountBeforeItIsKnownWhoItIs() {
        var plan = plan(Map.of(Scope.ADDRESS, limits(Limit.CONNECTS, 2)), Map.of());
        assertThat(plan.connecting("2001:db8::1", now)).isNull();
        assertThat(plan.connecting("2001:db8::2", now)).isNull();
        assertThat(plan.connecting("2001:db8::ffff", now)).isEqualTo(new Answer.Refused(Limit.CONNECTS, Scope.ADDRESS));
        assertThat(plan.connecting("2001:db8:0:1::1", now)).isNull();
        assertThat(plan.connecting(null, now)).isNull();
        // Nothing is taken twice.
        assertThat(plan.admit(new Applicant("c", "", Set.of(), Map.of(), "2001:db8::3"), null, true, now))
                .isInstanceOf(Answer.Admitted.class);
        now += SECOND;
        assertThat(plan.connecting("2001:db8::1", now)).isNull();
    }

    /** Nobody gets a new burst by connecting again. */
    @Test
    void whoComesBackHasWhatItHadLeft() {
        var plan = plan(Map.of(Scope.CLIENT, limits(Limit.MESSAGES_IN, 10)), Map.of());
        var first = admit(plan, client("c", "ann", Set.of(), Map.of()));
        for (int i = 0; i < 20; i++) first.takeIn(1, now);
        first.leave(now);
        assertThat(admit(plan, client("c", "ann", Set.of(), Map.of())).excessIn(now))
                .isNotNull();
        // Another user's client of the same name is another one.
        assertThat(admit(plan, client("c", "bob", Set.of(), Map.of())).excessIn(now))
                .isNull();
    }

    @Test
    void whatIsWholeAgainIsForgotten() {
        var plan = plan(Map.of(Scope.CLIENT, limits(Limit.MESSAGES_IN, 10)), Map.of());
        for (int i = 0; i < 3 * MOST_IDLE; i++) {
            var one = admit(plan, client("c" + i, "", Set.of(), Map.of()));
            one.takeIn(1, now);
            one.leave(now);
        }
        assertThat(shares.size()).isEqualTo(MOST_IDLE);
        now += 10 * SECOND;
        for (int i = 0; i < MOST_IDLE; i++)
            admit(plan, client("d", "", Set.of(), Map.of())).leave(now);
        assertThat(shares.size()).isZero();
    }

    @Test
    void aRateOfNothingIsAMistake() {
        assertThatThrownBy(() -> limits(Limit.MESSAGES_IN, 0))
                .hasMessage("messages-in: is 0, and has to be at least 1");
        assertThatThrownBy(() -> limits(Limit.QUEUE_COUNT, -1))
                .hasMessage("queue-count: is -1, and has to be at least 0");
        // A token's cannot stop the start, and must not hold its client for ever.
        assertThat(own(plan(Map.of(), Map.of()), Set.of(), Map.of("messages-in", 0L)))
                .isEqualTo(1);
    }
}
