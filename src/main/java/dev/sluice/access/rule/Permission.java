package dev.sluice.access.rule;

import dev.sluice.packet.QoS;

/**
 * What the rules say to a request. Immutable.
 *
 * @param qos up to this; null if it is not allowed
 * @param rule the one that says so; null if it is not allowed because no rule names it, or if several allow a subscription together
 */
public record Permission(QoS qos, Rule rule) {
    public boolean isAllowed() {
        return qos != null;
    }

    /** The same in words. */
    public String sentence() {
        if (isAllowed()) return rule == null ? "several rules allow it together" : "rule " + rule.name() + " allows it";
        if (rule == null) return "no rule allows it";
        if (!rule.allows()) return "rule " + rule.name() + " denies it, or a part of it";
        return "rule " + rule.name() + " allows it up to QoS "
                + rule.highestQoS().ordinal() + (rule.retain() ? "" : ", and not to be retained");
    }
}
