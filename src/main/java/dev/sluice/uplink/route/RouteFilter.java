package dev.sluice.uplink.route;

import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The filter of a route: a Topic Filter, and the names of the levels that its captures take. Immutable: any thread may
 * use it.
 *
 * @param text as it was written
 * @param topicFilter with wildcards in place of the captures
 */
public record RouteFilter(String text, TopicFilter topicFilter, List<Capture> captures) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_-]*");
    private static final String TAIL = "...";

    /** A name for the level with this index, or for all levels from there on. */
    public record Capture(String name, int level, boolean tail) {}

    /** @throws IllegalArgumentException with a sentence that names the mistake */
    static RouteFilter of(String text) {
        if (TopicFilter.isShared(text)) throw mistake(text, "is a shared subscription, which a route cannot be");
        var levels = text.split("/", -1);
        var captures = new ArrayList<Capture>();
        for (var i = 0; i < levels.length; i++) {
            if (!levels[i].contains("{") && !levels[i].contains("}")) continue;
            var capture = capture(text, levels[i], i);
            if (capture.tail && i < levels.length - 1)
                throw mistake(text, "has " + levels[i] + " before its last level, where a tail must be");
            captures.add(capture);
            levels[i] = capture.tail ? "#" : "+";
        }
        requireDistinct(text, captures);
        var filter = String.join("/", levels);
        TopicFilter.mistake(filter).ifPresent(mistake -> {
            throw mistake(text, mistake);
        });
        return new RouteFilter(text, TopicFilter.of(filter), List.copyOf(captures));
    }

    private static Capture capture(String text, String level, int index) {
        var open = level.indexOf('{');
        var close = level.indexOf('}');
        if (open >= 0 && close < open && level.indexOf('}', open) < 0) throw mistake(text, "has an unclosed {");
        if (open < 0 || close < open) throw mistake(text, "has a } without its {");
        if (open > 0 || close < level.length() - 1)
            throw mistake(text, "has a capture that does not fill the level \"" + level + "\"");
        var tail = level.endsWith(TAIL + "}");
        var name = level.substring(1, level.length() - 1 - (tail ? TAIL.length() : 0));
        if (name.isEmpty()) throw mistake(text, "has a capture without a name");
        if (!NAME.matcher(name).matches())
            throw mistake(
                    text, "has a capture \"" + name + "\", but a name is a letter, then letters, digits, - and _");
        return new Capture(name, index, tail);
    }

    private static void requireDistinct(String text, List<Capture> captures) {
        var seen = new HashSet<String>();
        for (var capture : captures) {
            if (Route.ALWAYS_KNOWN.contains(capture.name))
                throw mistake(text, "captures {" + capture.name + "}, a name that is taken");
            if (!seen.add(capture.name)) throw mistake(text, "captures {" + capture.name + "} twice");
        }
    }

    private static IllegalArgumentException mistake(String text, String mistake) {
        return new IllegalArgumentException("\"" + text + "\" " + mistake);
    }

    List<String> names() {
        return captures.stream().map(Capture::name).toList();
    }

    /** Returns the value of each capture in a name that the filter matches. */
    Map<String, String> values(String topicName) {
        return captures.stream().collect(Collectors.toMap(Capture::name, capture -> value(topicName, capture)));
    }

    private static String value(String topicName, Capture capture) {
        var start = 0;
        for (var level = 0; level < capture.level; level++) {
            var slash = topicName.indexOf('/', start);
            if (slash < 0) return ""; // only a tail can begin where the name has ended: a/{rest...} matches "a"
            start = slash + 1;
        }
        var end = capture.tail ? -1 : topicName.indexOf('/', start);
        return end < 0 ? topicName.substring(start) : topicName.substring(start, end);
    }
}
