package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import java.util.function.Consumer;

/**
 * What the rules say about one topic: of those of the highest priority that match it, one that denies decides, else the most generous one
 * that allows. Confined to the thread that makes it; read by any once it is made.
 */
public final class TopicVerdict implements Consumer<Rule> {
    private Rule deny;
    /** The one that allows the most, if the message is not to be retained. */
    private Rule allow;
    /** The one that allows the most, if it is to be. */
    private Rule retain;

    private int priority = Integer.MIN_VALUE;

    @Override
    public void accept(Rule rule) {
        if (rule.priority() < priority) return;
        if (rule.priority() > priority) {
            priority = rule.priority();
            deny = null;
            allow = null;
            retain = null;
        }
        if (!rule.allows()) {
            if (deny == null || rule.name().compareTo(deny.name()) < 0) deny = rule;
            return;
        }
        allow = moreGenerous(allow, rule);
        if (rule.retain()) retain = moreGenerous(retain, rule);
    }

    private static Rule moreGenerous(Rule one, Rule other) {
        if (one == null) return other;
        var more = other.highestQoS().compareTo(one.highestQoS());
        return more > 0 || more == 0 && other.name().compareTo(one.name()) < 0 ? other : one;
    }

    /** Whether a message may be published, or given, at all. */
    public boolean isAllowed() {
        return deny == null && allow != null;
    }

    /** Whether a message may be published like this. */
    public boolean allows(QoS qos, boolean retained) {
        if (deny != null) return false;
        var rule = retained ? retain : allow;
        return rule != null && rule.allows(qos);
    }

    /** The same, with the rule that says so. */
    public Permission verdict(QoS qos, boolean retained) {
        if (deny != null) return new Permission(null, deny);
        var rule = retained ? retain : allow;
        if (rule != null && rule.allows(qos)) return new Permission(rule.highestQoS(), rule);
        return new Permission(null, rule == null ? allow : rule);
    }
}
