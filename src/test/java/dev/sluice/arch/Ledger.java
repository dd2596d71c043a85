package dev.sluice.arch;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The statements of one standard and whom each binds. Immutable.
 *
 * @param bound ids to {@code server}, or to who else or why not, with a reason behind a colon
 */
record Ledger(String standard, Map<String, String> bound) {
    private static final String SERVER = "server";

    /** Takes one statement a line; empty lines and comments are passed over. */
    static Ledger of(String standard, Stream<String> lines) {
        var bound = new LinkedHashMap<String, String>();
        lines.filter(line -> !line.isBlank() && !line.startsWith("#")).forEach(line -> {
            var parts = line.split(" ", 2);
            if (parts.length < 2 || !parts[1].matches("server|(client|not used): .{10,}"))
                throw new IllegalArgumentException(standard + " says of no one: " + line);
            if (bound.put(parts[0], parts[1]) != null)
                throw new IllegalArgumentException(standard + " has " + parts[0] + " twice");
        });
        return new Ledger(standard, bound);
    }

    /** How many statements are said to bind {@code server} or {@code client}, or to be {@code not used}. */
    long count(String whom) {
        return bound.values().stream().filter(it -> it.startsWith(whom)).count();
    }

    /**
     * A sentence for each gap between the statements and the tests.
     *
     * @param tests ids to the tests that name them, as {@code Class.method}
     */
    List<String> breaches(Map<String, List<String>> tests) {
        var breaches = new ArrayList<String>();
        bound.forEach((id, whom) -> {
            var proofs = tests.getOrDefault(id, List.of());
            if (whom.equals(SERVER)) {
                if (proofs.stream().noneMatch(Ledger::isOverASocket))
                    breaches.add(id + " of " + standard + " binds a server, and no test over a WebSocket names it");
            } else if (!proofs.isEmpty()) {
                breaches.add(id + " of " + standard + " is excused (" + whom + "), but named by " + proofs.getFirst());
            }
        });
        tests.forEach((id, proofs) -> {
            if (!bound.containsKey(id))
                breaches.add(id + " is no statement of " + standard + ", but named by " + proofs.getFirst());
        });
        return breaches;
    }

    /** Integration tests speak to the packaged gateway, and so do the cases that they nest. */
    private static boolean isOverASocket(String test) {
        return test.matches("\\w+(IT|Cases)\\.\\w+");
    }
}
