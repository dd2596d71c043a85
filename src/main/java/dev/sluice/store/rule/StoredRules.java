package dev.sluice.store.rule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The rules that PostgreSQL holds, as they were at one moment. Immutable.
 *
 * @param version goes up with each transaction that changes a rule
 * @param rules by name
 */
public record StoredRules(long version, SortedMap<String, Entry> rules) {
    /** Before any was read. */
    public static final StoredRules NONE = new StoredRules(0, new TreeMap<>());

    /**
     * One of them.
     *
     * @param spec as somebody wrote it; not to be changed
     * @param version that of the set which its last change made
     */
    public record Entry(ObjectNode spec, long version, Instant updatedAt, String updatedBy) {}

    public StoredRules {
        rules = new TreeMap<>(rules);
    }

    /** The rules by name, to be changed. */
    public SortedMap<String, ObjectNode> specs() {
        var specs = new TreeMap<String, ObjectNode>();
        rules.forEach((name, entry) -> specs.put(name, entry.spec()));
        return specs;
    }
}
