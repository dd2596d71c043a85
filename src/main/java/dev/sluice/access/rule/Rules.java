package dev.sluice.access.rule;

import dev.sluice.access.rule.Rights.OverlappingDeny;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A set of rules without a mistake, found by their subjects and then level by level. Immutable; any thread may use it. Two sets with the same
 * rules are told apart: who caches a decision keeps the set that it was made with.
 */
public final class Rules {
    private static final Action[] ACTIONS = Action.values();

    private final OverlappingDeny overlappingDeny;
    private final List<Rule> rules;
    private final Map<Subject, Part> parts;

    /** The rules of one subject, in a trie for each action that there are some for. */
    private record Part(List<Rule> rules, Map<Action, RuleNode> tries, boolean filtersDeliveries) {
        static Part of(List<Rule> rules, OverlappingDeny overlappingDeny) {
            var tries = new EnumMap<Action, RuleNode>(Action.class);
            for (var action : ACTIONS) {
                var some = rules.stream().filter(it -> it.speaksFor(action)).toList();
                if (!some.isEmpty()) tries.put(action, RuleNode.of(some));
            }
            var filters = overlappingDeny == OverlappingDeny.FILTER ? Action.SUBSCRIBE : Action.RECEIVE;
            var filtersDeliveries = rules.stream()
                    .anyMatch(it -> !it.allows()
                            && (it.actions().contains(Action.RECEIVE)
                                    || it.actions().contains(filters)));
            return new Part(rules, tries, filtersDeliveries);
        }
    }

    private Rules(OverlappingDeny overlappingDeny, List<Rule> rules, Map<Subject, Part> parts) {
        this.overlappingDeny = overlappingDeny;
        this.rules = rules;
        this.parts = parts;
    }

    public static Rules of(Collection<Rule> rules, OverlappingDeny overlappingDeny) {
        return new Rules(overlappingDeny, List.of(), Map.of()).with(rules);
    }

    /** Other rules, in the same way. Whoever no rule has changed for has rights that {@link Rights#areAs are as} before. */
    public Rules with(Collection<Rule> changed) {
        var bySubject = new HashMap<Subject, List<Rule>>();
        for (var rule : changed)
            bySubject.computeIfAbsent(rule.subject(), _ -> new ArrayList<>(1)).add(rule);
        var made = new HashMap<Subject, Part>();
        bySubject.forEach((subject, some) -> {
            var known = parts.get(subject);
            made.put(
                    subject,
                    known != null && known.rules.equals(some) ? known : Part.of(List.copyOf(some), overlappingDeny));
        });
        return new Rules(overlappingDeny, List.copyOf(changed), made);
    }

    public List<Rule> all() {
        return rules;
    }

    public Rights of(Requester requester) {
        var own = new ArrayList<Part>();
        add(own, Subject.ALL);
        if (requester.isAnonymous()) add(own, Subject.ANONYMOUS);
        else add(own, Subject.user(requester.username()));
        add(own, Subject.client(requester.clientId()));
        for (var group : requester.groups()) add(own, Subject.group(group));
        for (var claim : requester.claims().entrySet()) add(own, Subject.claim(claim.getKey(), claim.getValue()));
        if (!requester.rights().isEmpty()) own.add(Part.of(requester.rights(), overlappingDeny));
        return new Rights(
                requester,
                overlappingDeny,
                tries(own, Action.PUBLISH),
                tries(own, Action.SUBSCRIBE),
                tries(own, Action.RECEIVE),
                own.stream().anyMatch(Part::filtersDeliveries));
    }

    private void add(List<Part> own, Subject subject) {
        var part = parts.get(subject);
        if (part != null) own.add(part);
    }

    private static List<RuleNode> tries(List<Part> parts, Action action) {
        var tries = new ArrayList<RuleNode>(parts.size());
        for (var part : parts) {
            var trie = part.tries.get(action);
            if (trie != null) tries.add(trie);
        }
        return List.copyOf(tries);
    }
}
