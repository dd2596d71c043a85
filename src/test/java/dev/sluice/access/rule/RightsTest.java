package dev.sluice.access.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** One decision at a time: what an operator writes, and what a client gets. */
class RightsTest {
    private OverlappingDeny overlappingDeny = OverlappingDeny.REFUSE;

    private static Requester device(String clientId) {
        return new Requester(clientId, "user-" + clientId, Set.of(), Map.of("tenant", "acme"), List.of());
    }

    private Rights rights(Requester requester, Rule... rules) {
        return Rules.of(List.of(rules), overlappingDeny).of(requester);
    }

    private static int nextName;

    private static Rule rule(String text) {
        var words = text.split(" ");
        var allow = words[0].equals("allow");
        return new Rule(
                words[0] + "-" + nextName++,
                Subject.ALL,
                allow ? Rule.Effect.ALLOW : Rule.Effect.DENY,
                Set.of(Action.valueOf(words[1].toUpperCase(java.util.Locale.ROOT))),
                RuleFilter.of(words[2]),
                words.length > 3 ? QoS.values()[Integer.parseInt(words[3])] : QoS.EXACTLY_ONCE,
                true,
                words.length > 4 ? Integer.parseInt(words[4]) : 0);
    }

    private static int subscribe(Rights rights, String filter) {
        var verdict = rights.subscribe(TopicFilter.of(filter), QoS.EXACTLY_ONCE);
        return verdict.isAllowed() ? verdict.qos().ordinal() : -1;
    }

    private static boolean publish(Rights rights, String topic) {
        return rights.publish(TopicName.of(topic)).allows(QoS.AT_LEAST_ONCE, false);
    }

    @Test
    void whatNoRuleNamesIsDenied() {
        var none = rights(device("d1"));
        assertThat(publish(none, "a")).isFalse();
        assertThat(Stream.of("a", "#", "+/#", "$SYS/#", "$share/g/a")).allMatch(it -> subscribe(none, it) < 0);
        assertThat(none.receive(TopicName.of("a")).isAllowed()).isFalse();
    }

    @Test
    void everythingOfAClientsOwnIsNotEverything() {
        var own = rights(device("d1"), rule("allow subscribe devices/{clientId}/#"));
        assertThat(Stream.of("devices/d1", "devices/d1/#", "devices/d1/+/x", "$share/g/devices/d1/#"))
                .allMatch(it -> subscribe(own, it) == 2);
        assertThat(Stream.of("devices/#", "devices/+/x", "+/d1/#", "#", "+/#", "devices/d2/#", "$share/g/devices/+/#"))
                .allMatch(it -> subscribe(own, it) < 0);
    }

    @Test
    void everythingNeedsARuleThatNamesItAndTheServersTopicsOneOfTheirOwn() {
        var all = rights(device("d1"), rule("allow subscribe #"));
        assertThat(Stream.of("#", "+/#", "+", "a/b", "$share/g/#")).allMatch(it -> subscribe(all, it) == 2);
        assertThat(Stream.of("$SYS/#", "$SYS/+", "$share/g/$SYS/#", "$x")).allMatch(it -> subscribe(all, it) < 0);
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe $SYS/#")), "$SYS/#"))
                .isEqualTo(2);
    }

    @Test
    void severalRulesAllowASubscriptionTogether() {
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a"), rule("allow subscribe a/+/#")), "a/#"))
                .isEqualTo(2);
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe +"), rule("allow subscribe +/+/#")), "#"))
                .isEqualTo(2);
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/b"), rule("allow subscribe a/c")), "a/+"))
                .isNegative();
    }

    @Test
    void aDenyRefusesWhatItOverlapsUnlessAHigherRuleAllowsThat() {
        var deny = rule("deny subscribe a/secret/#");
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/#"), deny), "a/#"))
                .isNegative();
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/#"), deny), "a/+"))
                .isNegative();
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/#"), deny), "a/open/#"))
                .isEqualTo(2);
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/# 2 1"), deny), "a/#"))
                .isEqualTo(2);
        assertThat(subscribe(rights(device("d1"), rule("allow subscribe a/# 2 -1"), deny), "a/#"))
                .isNegative();
        var higher = rights(device("d1"), rule("allow subscribe a/#"), deny, rule("allow subscribe a/+/# 1 9"));
        assertThat(subscribe(higher, "a/#")).isEqualTo(1);
    }

    @Test
    void whatIsDeniedIsFilteredIfSoConfigured() {
        overlappingDeny = OverlappingDeny.FILTER;
        var rights = rights(device("d1"), rule("allow subscribe a/#"), rule("deny subscribe a/secret/#"));
        assertThat(rights.filtersDeliveries()).isTrue();
        assertThat(subscribe(rights, "a/#")).isEqualTo(2);
        assertThat(subscribe(rights, "a/secret/x")).isNegative();
        assertThat(subscribe(rights, "b/#")).isNegative();
        assertThat(rights.receive(TopicName.of("a/secret")).isAllowed()).isFalse();
        assertThat(rights.receive(TopicName.of("a/open")).isAllowed()).isTrue();
    }

    @Test
    void aDenyOfReceivingFiltersAndRefusesNothing() {
        var rights = rights(device("d1"), rule("allow subscribe a/#"), rule("deny receive a/secret/#"));
        assertThat(subscribe(rights, "a/#")).isEqualTo(2);
        assertThat(rights.filtersDeliveries()).isTrue();
        assertThat(rights.receive(TopicName.of("a/secret/x")).isAllowed()).isFalse();
        assertThat(rights.receive(TopicName.of("a/x")).isAllowed()).isTrue();
    }

    @Test
    void theLowestCeilingOfAPartIsTheCeilingOfASubscription() {
        var rights = rights(
                device("d1"),
                rule("allow subscribe a/# 2"),
                rule("allow subscribe a/slow/# 0 5"),
                rule("allow subscribe b/# 1"));
        assertThat(subscribe(rights, "a/#")).isZero();
        assertThat(subscribe(rights, "a/fast")).isEqualTo(2);
        assertThat(subscribe(rights, "b/#")).isEqualTo(1);
    }

    @Test
    void aValueThatIsNotOneLevelNamesNothing() {
        var rules =
                new Rule[] {rule("allow publish devices/{clientId}/#"), rule("allow subscribe devices/{clientId}/#")};
        for (var evil : List.of("+", "#", "a/b", "", "a+", "#x", "d\0")) {
            var rights = rights(device(evil), rules);
            assertThat(publish(rights, "devices/" + evil.replace("\0", "") + "/x"))
                    .describedAs(evil)
                    .isFalse();
            assertThat(publish(rights, "devices/other/x")).describedAs(evil).isFalse();
            assertThat(Stream.of("devices/+/#", "devices/#", "devices/other/#"))
                    .allMatch(it -> subscribe(rights, it) < 0);
        }
    }

    @Test
    void aValueDoesNotMakeATopicOfTheServer() {
        var rights = rights(device("$SYS"), rule("allow subscribe {clientId}/#"), rule("allow publish {clientId}/#"));
        assertThat(subscribe(rights, "$SYS/#")).isNegative();
        assertThat(publish(rights, "$SYS/x")).isFalse();
    }

    @Test
    void aMissingClaimAndTheNameOfTheAnonymousNameNothing() {
        var anonymous = new Requester("d1", "", Set.of(), Map.of(), List.of());
        var rights = rights(anonymous, rule("allow publish t/{claim.tenant}/#"), rule("allow publish u/{username}"));
        assertThat(Stream.of("t//x", "t/{claim.tenant}/x", "t/null/x", "u/", "u"))
                .noneMatch(it -> publish(rights, it));
        var tenant = rights(device("d1"), rule("allow publish t/{claim.tenant}/#"));
        assertThat(publish(tenant, "t/acme/x")).isTrue();
        assertThat(publish(tenant, "t/other/x")).isFalse();
    }

    @Test
    void ofSeveralRulesOfOnePriorityTheMostGenerousHolds() {
        var retained = rule("allow publish a 0");
        var plain = rule("allow publish a 2");
        plain = new Rule(
                "plain", plain.subject(), plain.effect(), plain.actions(), plain.filter(), QoS.EXACTLY_ONCE, false, 0);
        var verdict = rights(device("d1"), retained, plain).publish(TopicName.of("a"));
        assertThat(verdict.allows(QoS.EXACTLY_ONCE, false)).isTrue();
        assertThat(verdict.allows(QoS.AT_MOST_ONCE, true)).isTrue();
        assertThat(verdict.allows(QoS.AT_LEAST_ONCE, true)).isFalse();
        assertThat(verdict.verdict(QoS.AT_LEAST_ONCE, true)).isEqualTo(new Permission(null, retained));
        assertThat(verdict.verdict(QoS.AT_LEAST_ONCE, false)).isEqualTo(new Permission(QoS.EXACTLY_ONCE, plain));
    }

    @Test
    void theRightsOfATokenStandBesideTheRules() {
        var right = rule("allow publish mine/#");
        var bearer = new Requester("d1", "u", Set.of(), Map.of(), List.of(right));
        assertThat(publish(rights(bearer), "mine/x")).isTrue();
        assertThat(publish(rights(device("d1")), "mine/x")).isFalse();
        assertThat(publish(rights(bearer, rule("deny publish mine/# 2 1")), "mine/x"))
                .isFalse();
    }

    @Test
    void whoIsNotAskedAboutHasTheSameRightsAsBefore() {
        var first = Rules.of(List.of(rule("allow publish a")), OverlappingDeny.REFUSE);
        var other = new Rule(
                "bob",
                Subject.user("bob"),
                Rule.Effect.ALLOW,
                Set.of(Action.PUBLISH),
                RuleFilter.of("b"),
                QoS.AT_MOST_ONCE,
                true,
                0);
        var second = first.with(List.of(first.all().getFirst(), other));
        assertThat(second.of(device("d1")).areAs(first.of(device("d1")))).isTrue();
        var bob = new Requester("d1", "bob", Set.of(), Map.of(), List.of());
        assertThat(second.of(bob).areAs(first.of(bob))).isFalse();
    }

    @Test
    void theRuleThatDecidesIsNamed() {
        var wide = rule("allow subscribe a/#");
        var deny = rule("deny subscribe a/secret/#");
        var rights = rights(device("d1"), wide, deny);
        assertThat(rights.explain(TopicFilter.of("a/#"), QoS.AT_MOST_ONCE).rule())
                .isEqualTo(deny);
        assertThat(rights.explain(TopicFilter.of("a/b"), QoS.AT_MOST_ONCE))
                .isEqualTo(new Permission(QoS.AT_MOST_ONCE, wide));
        assertThat(rights.explain(TopicFilter.of("b"), QoS.AT_MOST_ONCE)).isEqualTo(new Permission(null, null));
    }
}
