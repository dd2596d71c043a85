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
}
