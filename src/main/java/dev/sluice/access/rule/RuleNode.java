package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A place in a trie of rules: those whose filters end there, those whose # follows, and the places of the next level. Built by one thread,
 * then read by any. As deep as its deepest filter, so that it is walked by recursion.
 */
final class RuleNode {
    private List<Rule> here = List.of();
    private List<Rule> below = List.of();
    private Map<String, RuleNode> literals = Map.of();
    private List<Templated> templates = List.of();
    private RuleNode oneLevel;
    /** Whether a rule of it, or below it, denies. */
    private boolean denies;
    /** The lowest that a rule of it, or below it, allows. */
    private QoS lowestQoS = QoS.EXACTLY_ONCE;

    /** A level that is another one for each requester, and what follows it. */
    private record Templated(RuleFilter.Level.Template level, RuleNode node) {
        boolean is(String text, Requester requester) {
            var own = level.of(requester);
            return own.isPresent() && own.get().equals(text);
        }
    }

    static RuleNode of(List<Rule> rules) {
        var root = new RuleNode();
        rules.forEach(root::add);
        return root;
    }

    void add(Rule rule) {
        var node = this;
        node.note(rule);
        for (var level : rule.filter().levels()) {
            node = node.next(level);
            node.note(rule);
        }
        if (rule.filter().allBelow()) node.below = and(node.below, rule);
        else node.here = and(node.here, rule);
    }

    private static List<Rule> and(List<Rule> rules, Rule rule) {
        var more = rules.isEmpty() ? new ArrayList<Rule>(1) : rules;
        more.add(rule);
        return more;
    }

    private void note(Rule rule) {
        if (!rule.allows()) denies = true;
        else if (rule.highestQoS().compareTo(lowestQoS) < 0) lowestQoS = rule.highestQoS();
    }

    private RuleNode next(RuleFilter.Level level) {
        return switch (level) {
            case RuleFilter.Level.Fixed(var text)
            when FilterLevels.isWildcard(text) -> {
                if (oneLevel == null) oneLevel = new RuleNode();
                yield oneLevel;
            }
            case RuleFilter.Level.Fixed(var text) -> {
                if (literals.isEmpty()) literals = new HashMap<>(2);
                yield literals.computeIfAbsent(text, _ -> new RuleNode());
            }
            case RuleFilter.Level.Template template -> {
                for (var known : templates) if (known.level.equals(template)) yield known.node;
                if (templates.isEmpty()) templates = new ArrayList<>(1);
                var next = new RuleNode();
                templates.add(new Templated(template, next));
                yield next;
            }
        };
    }

    /** Whether a rule of it denies, or allows less than that. */
    boolean limits(QoS qos) {
        return denies || lowestQoS.compareTo(qos) < 0;
    }

    /**
     * Tells the rules that match a Topic Name.
     *
     * @param name its levels
     */
    void match(String[] name, Requester requester, Consumer<Rule> tell) {
        match(name, 0, requester, tell);
    }

    private void match(String[] name, int at, Requester requester, Consumer<Rule> tell) {
        var wildcards = at > 0 || !name[0].startsWith("$"); // [MQTT-4.7.2-1]
        if (wildcards) below.forEach(tell);
        if (at == name.length) {
            here.forEach(tell);
            return;
        }
        var literal = literals.get(name[at]);
        if (literal != null) literal.match(name, at + 1, requester, tell);
        for (var template : templates)
            if (template.is(name[at], requester)) template.node.match(name, at + 1, requester, tell);
        if (wildcards && oneLevel != null) oneLevel.match(name, at + 1, requester, tell);
    }

    /**
     * Whether rules that meet a condition match, all together, every name that a pattern matches.
     *
     * <p>Exact: a + can be covered by rules with + or # at its level only, since rules name finitely many of the levels that it matches, and a
     * # by one with # there, or by +, +/+ and so on until one with # follows.
     *
     * @param roots of the requester's tries
     */
    static boolean covers(List<RuleNode> roots, FilterLevels pattern, Requester requester, Predicate<Rule> condition) {
        var places = roots;
        for (int i = 0; i < pattern.length(); i++) {
            var wildcards = i > 0 || !pattern.isHidden();
            if (wildcards && hasBelow(places, condition)) return true;
            var next = new ArrayList<RuleNode>();
            for (var place : places) place.follow(pattern.level(i), wildcards, requester, next::add);
            if (next.isEmpty()) return false;
            places = next;
        }
        if (hasBelow(places, condition)) return true;
        if (!pattern.allBelow()) return hasHere(places, condition);
        for (var isName = pattern.matchesAbove(); !isName || hasHere(places, condition); isName = true) {
            var next = new ArrayList<RuleNode>();
            for (var place : places) if (place.oneLevel != null) next.add(place.oneLevel);
            if (hasBelow(next, condition)) return true;
            if (next.isEmpty()) return false;
            places = next;
        }
        return false;
    }

    private void follow(String level, boolean wildcards, Requester requester, Consumer<RuleNode> tell) {
        if (wildcards && oneLevel != null) tell.accept(oneLevel);
        if (FilterLevels.isWildcard(level)) return;
        var literal = literals.get(level);
        if (literal != null) tell.accept(literal);
        for (var template : templates) if (template.is(level, requester)) tell.accept(template.node);
    }

    private static boolean hasBelow(List<RuleNode> places, Predicate<Rule> condition) {
        for (var place : places) if (any(place.below, condition)) return true;
        return false;
    }

    private static boolean hasHere(List<RuleNode> places, Predicate<Rule> condition) {
        for (var place : places) if (any(place.here, condition)) return true;
        return false;
    }

    private static boolean any(List<Rule> rules, Predicate<Rule> condition) {
        for (var rule : rules) if (condition.test(rule)) return true;
        return false;
    }

    /**
     * Tells the rules that match a name which a pattern matches, each with what both match.
     *
     * @param skip whether the rules from a place downwards need not be told
     */
    void overlap(
            FilterLevels pattern, Requester requester, Predicate<RuleNode> skip, BiConsumer<Rule, FilterLevels> tell) {
        overlap(pattern, 0, requester, skip, rule -> rule.filter()
                .of(requester)
                .flatMap(pattern::and)
                .ifPresent(both -> tell.accept(rule, both)));
    }

    private void overlap(
            FilterLevels pattern, int at, Requester requester, Predicate<RuleNode> skip, Consumer<Rule> tell) {
        if (skip.test(this)) return;
        below.forEach(tell);
        var isOver = at >= pattern.length();
        if (isOver) here.forEach(tell);
        if (isOver && !pattern.allBelow()) return;
        if (isOver || FilterLevels.isWildcard(pattern.level(at))) {
            for (var next : literals.values()) next.overlap(pattern, at + 1, requester, skip, tell);
            for (var next : templates) next.node.overlap(pattern, at + 1, requester, skip, tell);
            if (oneLevel != null) oneLevel.overlap(pattern, at + 1, requester, skip, tell);
        } else {
            follow(pattern.level(at), true, requester, next -> next.overlap(pattern, at + 1, requester, skip, tell));
        }
    }
}
