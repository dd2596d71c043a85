package dev.sluice.topic;

import java.util.Arrays;
import java.util.List;

/** The words of the standard as a recursion over lists, for comparison. */
final class NaiveMatcher {
    private NaiveMatcher() {}

    static boolean matches(String filter, String name) {
        if (filter.startsWith("$share/")) return matches(filter.split("/", 3)[2], name);
        var hidden = name.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"));
        return !hidden && matches(levels(filter), levels(name));
    }

    private static List<String> levels(String text) {
        return Arrays.asList(text.split("/", -1));
    }

    private static boolean matches(List<String> filter, List<String> name) {
        if (filter.isEmpty()) return name.isEmpty();
        if (filter.getFirst().equals("#")) return true;
        if (name.isEmpty()) return false;
        var first = filter.getFirst().equals("+") || filter.getFirst().equals(name.getFirst());
        return first && matches(filter.subList(1, filter.size()), name.subList(1, name.size()));
    }
}
