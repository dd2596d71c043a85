package dev.sluice.access.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.access.rule.Rule.Effect;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a connection remembers, and when it forgets. */
class CachedRightsTest {
    private static final TopicName TOPIC = TopicName.of("a/b");
    private static final Requester ANN = new Requester("c", "ann", Set.of(), Map.of(), List.of());

    private Rules rules = Rules.of(List.of(), OverlappingDeny.REFUSE);
    private final CachedRights rights = new CachedRights(() -> rules, ANN);

    private static Rule rule(Subject subject, Effect effect, Action action, String filter) {
        return new Rule(
                "r" + filter, subject, effect, Set.of(action), RuleFilter.of(filter), QoS.EXACTLY_ONCE, true, 0);
    }

    private boolean mayPublish(TopicName topicName) {
        return rights.mayPublish(topicName, QoS.AT_LEAST_ONCE, false);
    }

    @Test
    void everythingIsAllowedWhileThereAreNoRulesToKeep() {
        rules = null;
        assertThat(mayPublish(TOPIC)).isTrue();
        assertThat(rights.mayReceive(TOPIC)).isTrue();
        assertThat(rights.receives(TOPIC)).isTrue();
        assertThat(rights.subscribe(TopicFilter.of("#"), QoS.EXACTLY_ONCE).qos())
                .isEqualTo(QoS.EXACTLY_ONCE);
    }

    @Test
    void aChangeOfTheRulesIsSeenAtOnce() {
        assertThat(mayPublish(TOPIC)).isFalse();
        rules = rules.with(List.of(rule(Subject.ALL, Effect.ALLOW, Action.PUBLISH, "a/#")));
        assertThat(mayPublish(TOPIC)).isTrue();
        rules = rules.with(List.of());
        assertThat(mayPublish(TOPIC)).isFalse();
    }

    @Test
    void moreTopicsThanItRemembersAreJudgedAllTheSame() {
        rules = rules.with(List.of(rule(Subject.ALL, Effect.ALLOW, Action.PUBLISH, "a/#")));
        for (int round = 0; round < 2; round++)
            assertThat(IntStream.range(0, 200)
                            .filter(i -> mayPublish(TopicName.of((i % 2 == 0 ? "a/" : "b/") + i)))
                            .count())
                    .isEqualTo(100);
        assertThat(mayPublish(TopicName.of("a/" + "x".repeat(300)))).isTrue();
    }

    @Test
    void onlyADenyOfReceivingMakesItLookAtDeliveries() {
        rules = rules.with(List.of(rule(Subject.ALL, Effect.ALLOW, Action.SUBSCRIBE, "b/#")));
        assertThat(rights.mayReceive(TOPIC)).isTrue();
        assertThat(rights.receives(TOPIC)).isFalse();
        rules = rules.with(List.of(rule(Subject.user("ann"), Effect.DENY, Action.RECEIVE, "a/#")));
        assertThat(rights.mayReceive(TOPIC)).isFalse();
    }

    @Test
    void aChangeForOthersIsNone() {
        rules = rules.with(List.of(rule(Subject.ALL, Effect.ALLOW, Action.SUBSCRIBE, "b/#")));
        rights.refresh();
        assertThat(rights.refresh()).isFalse();
        var forBob = rule(Subject.user("bob"), Effect.ALLOW, Action.SUBSCRIBE, "c/#");
        rules = rules.with(List.of(rules.all().getFirst(), forBob));
        mayPublish(TOPIC); // has taken up the new rules
        assertThat(rights.refresh()).isFalse();
        rules = rules.with(List.of(rule(Subject.ALL, Effect.DENY, Action.SUBSCRIBE, "b/#"), forBob));
        mayPublish(TOPIC);
        assertThat(rights.refresh()).isTrue();
        assertThat(rights.refresh()).isFalse();
        rights.become(new Requester("c", "bob", Set.of(), Map.of(), List.of()));
        assertThat(rights.refresh()).isTrue();
        assertThat(rights.subscribe(TopicFilter.of("c/#"), QoS.AT_MOST_ONCE).isAllowed())
                .isTrue();
    }
}
