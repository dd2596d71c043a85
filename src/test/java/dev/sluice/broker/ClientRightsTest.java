package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.rule.Action;
import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.Rights.OverlappingDeny;
import dev.sluice.access.rule.Rule;
import dev.sluice.access.rule.RuleFilter;
import dev.sluice.access.rule.Rules;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.access.rule.Subject;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What one client may be given, without a connection. */
class ClientRightsTest {
    private static final Requester DEVICE = new Requester("d1", "ann", Set.of(), Map.of(), List.of());

    private static Rule allow(String filter) {
        var actions = Set.of(Action.SUBSCRIBE);
        return new Rule(
                filter, Subject.ALL, Rule.Effect.ALLOW, actions, RuleFilter.of(filter), QoS.EXACTLY_ONCE, true, 0);
    }

    private static Delivery delivery(String topic, long seq) {
        var publish = new Packet.Publish(
                false, QoS.AT_LEAST_ONCE, false, TopicName.of(topic), 1, Properties.NONE, new byte[0]);
        return new Delivery(Message.of(publish, 0), QoS.AT_LEAST_ONCE, false, List.of(), null, seq, false, false);
    }

    /** Another gateway, or a route, may have queued it for a subscription that this one has just ended. */
    @Test
    void aRowIsJudgedWheneverItWasQueued() {
        var rules = new RulesInForce();
        rules.use(Rules.of(List.of(allow("mine/#")), OverlappingDeny.REFUSE));
        var rights = ClientRights.of(rules, new BrokerMeters(new SimpleMeterRegistry()), DEVICE);
        for (long seq : new long[] {1, 1_000_000}) {
            assertThat(rights.mayBeGiven(delivery("mine/a", seq))).isTrue();
            assertThat(rights.mayBeGiven(delivery("lost/a", seq))).isFalse();
        }
        // What is in memory only was given to a subscription that the client has.
        assertThat(rights.mayBeGiven(delivery("lost/a", 0))).isTrue();
    }
}
