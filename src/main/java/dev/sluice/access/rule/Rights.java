package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * What one requester may do, as the rules were at one moment. Costs time for the rules that match, not for all that there are. Immutable;
 * any thread may use it.
 */
public final class Rights {
    private static final QoS[] QOS = QoS.values();
    private static final Comparator<Rule> HIGHEST =
            Comparator.comparingInt(Rule::priority).thenComparing(Rule::name, Comparator.reverseOrder());

    private final Requester requester;
    private final OverlappingDeny overlappingDeny;
    private final List<RuleNode> publish;
    private final List<RuleNode> subscribe;
    private final List<RuleNode> receive;
    private final boolean filtersDeliveries;

    /** What becomes of a subscription of which a rule denies a part. */
    public enum OverlappingDeny {
        /** It is refused. */
        REFUSE,
        /** It is granted; what the rule denies is not delivered. */
        FILTER
    }

    Rights(
            Requester requester,
            OverlappingDeny overlappingDeny,
            List<RuleNode> publish,
            List<RuleNode> subscribe,
            List<RuleNode> receive,
            boolean filtersDeliveries) {
        this.requester = requester;
        this.overlappingDeny = overlappingDeny;
        this.publish = publish;
        this.subscribe = subscribe;
        this.receive = receive;
        this.filtersDeliveries = filtersDeliveries;
    }

    public Requester requester() {
        return requester;
    }

    /** Whether a message of a subscription that is allowed may still be one that the client must not be given. */
    public boolean filtersDeliveries() {
        return filtersDeliveries;
    }

    /** Whether the other ones say the same to everything, as far as that can be told without asking. */
    public boolean areAs(Rights other) {
        return requester.equals(other.requester)
                && overlappingDeny == other.overlappingDeny
                && filtersDeliveries == other.filtersDeliveries
                && publish.equals(other.publish)
                && subscribe.equals(other.subscribe)
                && receive.equals(other.receive);
    }

    public TopicVerdict publish(TopicName topicName) {
        return verdict(publish, topicName);
    }

    public TopicVerdict receive(TopicName topicName) {
        return verdict(receive, topicName);
    }

    private TopicVerdict verdict(List<RuleNode> roots, TopicName topicName) {
        var verdict = new TopicVerdict();
        var name = topicName.toString().split("/", -1);
        for (int i = 0; i < roots.size(); i++) roots.get(i).match(name, requester, verdict);
        return verdict;
    }

    /**
     * Whether everything that a filter can match may be subscribed to: the rules that allow must match all of it, be it together, and each
     * rule that denies a part of it must lie below one that allows that part.
     *
     * @param asked the verdict's QoS is this, or the highest below it that everything is allowed with
     * @return its rule is one that denies a part; null if it is allowed, or not all of it is named
     */
    public Permission subscribe(TopicFilter filter, QoS asked) {
        var pattern = FilterLevels.of(filter);
        Rule objection = null;
        for (int i = asked.ordinal(); i >= 0; i--) {
            var qos = QOS[i];
            if (!covers(pattern, rule -> rule.allows(qos))) continue;
            objection = objection(pattern, qos);
            if (objection == null) return new Permission(qos, null);
        }
        return new Permission(null, objection);
    }

    /** The same, with the rule that allows it, if one does by itself, or one that denies a part of it. Costs time for all rules that overlap. */
    public Permission explain(TopicFilter filter, QoS asked) {
        var verdict = subscribe(filter, asked);
        if (verdict.rule() != null) return verdict;
        var pattern = FilterLevels.of(filter);
        var found = new ArrayList<Rule>(1);
        for (var root : subscribe)
            root.overlap(pattern, requester, _ -> false, (it, both) -> {
                if (verdict.isAllowed() ? it.allows(verdict.qos()) && both.equals(pattern) : !it.allows())
                    found.add(it);
            });
        return new Permission(verdict.qos(), found.stream().max(HIGHEST).orElse(null));
    }

    private boolean covers(FilterLevels pattern, Predicate<Rule> condition) {
        return RuleNode.covers(subscribe, pattern, requester, condition);
    }

    /** A rule that stands in the way of a part of it, or of all; null if there is none. */
    private Rule objection(FilterLevels pattern, QoS qos) {
        var found = new Objection(pattern, qos);
        for (var root : subscribe)
            root.overlap(
                    pattern,
                    requester,
                    it -> found.rule != null && !found.rule.allows() || !it.limits(qos),
                    found::look);
        return found.rule;
    }

    /** Looks for a rule that denies a part, or else for one that allows a part with less. Confined to one call. */
    private final class Objection {
        private final FilterLevels pattern;
        private final QoS qos;
        private Rule rule;

        Objection(FilterLevels pattern, QoS qos) {
            this.pattern = pattern;
            this.qos = qos;
        }

        void look(Rule other, FilterLevels both) {
            if (other.allows(qos) || rule != null && (other.allows() || !rule.allows())) return;
            var least = other.allows() ? other.priority() : other.priority() + 1L;
            if (covers(both, it -> it.allows(qos) && it.priority() >= least)) return;
            if (!other.allows() && overlappingDeny == OverlappingDeny.FILTER && !deniesAll(other, both)) return;
            rule = other;
        }

        /** Whether nothing would be left of the subscription. */
        private boolean deniesAll(Rule deny, FilterLevels both) {
            if (!both.equals(pattern)) return false;
            var left = new boolean[1];
            for (var root : subscribe)
                root.overlap(
                        pattern,
                        requester,
                        _ -> left[0],
                        (it, _) -> left[0] |= it.allows(qos) && it.priority() > deny.priority());
            return !left[0];
        }
    }
}
