package dev.sluice.access.rule;

import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** The same decisions as {@link Rights}, rule by rule and by the text of each filter: slow, and too simple to be wrong. */
record NaiveRules(List<Rule> rules) {
    /** By their texts: to read them again for each topic takes most of the time. */
    private static final Map<String, TopicFilter> FILTERS = new ConcurrentHashMap<>();

    /** Whether a publisher may; of the same priority any rule that allows it does. */
    boolean mayPublish(Requester requester, String topic, QoS qos, boolean retained) {
        return deciding(requester, Action.PUBLISH, topic)
                .anyMatch(it -> it.highestQoS().ordinal() >= qos.ordinal() && (it.retain() || !retained));
    }

    boolean mayReceive(Requester requester, String topic) {
        return deciding(requester, Action.RECEIVE, topic).findAny().isPresent();
    }

    /** The highest QoS at which one topic may be subscribed to; -1 for none. */
    int subscribeQoS(Requester requester, String topic) {
        return deciding(requester, Action.SUBSCRIBE, topic)
                .mapToInt(it -> it.highestQoS().ordinal())
                .max()
                .orElse(-1);
    }

    /** The rules of the highest priority that name it, if they allow it. */
    private Stream<Rule> deciding(Requester requester, Action action, String topic) {
        var naming = Stream.concat(rules.stream(), requester.rights().stream())
                .filter(it -> isAbout(it.subject(), requester))
                .filter(it -> it.actions().contains(action)
                        || action == Action.RECEIVE && it.actions().contains(Action.SUBSCRIBE))
                .filter(it -> matches(it.filter().toString(), requester, topic))
                .toList();
        var highest = naming.stream().mapToInt(Rule::priority).max().orElse(0);
        var deciding = naming.stream().filter(it -> it.priority() == highest).toList();
        return deciding.stream().anyMatch(it -> it.effect() == Rule.Effect.DENY) ? Stream.of() : deciding.stream();
    }

    private static boolean isAbout(Subject subject, Requester requester) {
        return switch (subject.kind()) {
            case ALL -> true;
            case ANONYMOUS -> requester.username().isEmpty();
            case USER -> requester.username().equals(subject.name());
            case GROUP -> requester.groups().contains(subject.name());
            case CLIENT -> requester.clientId().equals(subject.name());
            case CLAIM -> Objects.equals(requester.claims().get(subject.name()), subject.value());
        };
    }

    private static boolean matches(String template, Requester requester, String topic) {
        if (template.indexOf('{') < 0) return filter(template).matches(topic);
        var levels = new ArrayList<String>();
        for (var level : template.split("/", -1)) {
            var open = level.indexOf('{');
            if (open < 0) {
                levels.add(level);
                continue;
            }
            var name = level.substring(open + 1, level.indexOf('}'));
            var value =
                    switch (name) {
                        case "clientId" -> requester.clientId();
                        case "username" -> requester.username();
                        default -> requester.claims().get(name.substring("claim.".length()));
                    };
            if (value == null || value.isEmpty() || value.matches(".*[/+#\0].*")) return false;
            if (open == 0 && levels.isEmpty() && value.startsWith("$")) return false;
            levels.add(level.substring(0, open) + value + level.substring(level.indexOf('}') + 1));
        }
        return filter(String.join("/", levels)).matches(topic);
    }

    private static TopicFilter filter(String text) {
        return FILTERS.computeIfAbsent(text, TopicFilter::of);
    }
}
