package dev.sluice.arch;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A place in a YAML document, under a name for messages; immutable. */
record Node(String name, Object value) {
    /** The node below a key. */
    Node at(Object key) {
        if (!(value instanceof Map<?, ?> map) || !map.containsKey(key))
            throw new AssertionError(name + " has no '" + key + "'");
        return new Node(name + "." + key, map.get(key));
    }

    boolean has(Object key) {
        return value instanceof Map<?, ?> map && map.containsKey(key);
    }

    /** The nodes of a map by key. */
    Map<String, Node> entries() {
        if (!(value instanceof Map<?, ?> map)) throw new AssertionError(name + " is not a map");
        var entries = new LinkedHashMap<String, Node>();
        map.forEach((key, below) -> entries.put(key.toString(), new Node(name + "." + key, below)));
        return entries;
    }

    List<Node> items() {
        if (!(value instanceof List<?> list)) throw new AssertionError(name + " is not a list");
        return list.stream().map(item -> new Node(name + "[]", item)).toList();
    }

    List<String> texts() {
        return items().stream().map(Node::text).toList();
    }

    String text() {
        return Objects.toString(value);
    }
}
