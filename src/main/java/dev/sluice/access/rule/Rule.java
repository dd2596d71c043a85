package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import java.util.Set;

/**
 * One rule. Immutable.
 *
 * @param highestQoS of what is published, or of what a subscription is given; of a rule that allows
 * @param retain whether what is published may be retained; of a rule that allows
 * @param priority rules with a higher one stand above others
 */
public record Rule(
        String name,
        Subject subject,
        Effect effect,
        Set<Action> actions,
        RuleFilter filter,
        QoS highestQoS,
        boolean retain,
        int priority) {
    /** What a rule does with what it names. */
    public enum Effect {
        ALLOW,
        DENY
    }

    public Rule {
        actions = Set.copyOf(actions);
    }

    boolean allows() {
        return effect == Effect.ALLOW;
    }

    /** Whether it allows at least that. */
    boolean allows(QoS qos) {
        return allows() && highestQoS.compareTo(qos) >= 0;
    }

    boolean speaksFor(Action action) {
        return actions.contains(action) || action == Action.RECEIVE && actions.contains(Action.SUBSCRIBE);
    }
}
