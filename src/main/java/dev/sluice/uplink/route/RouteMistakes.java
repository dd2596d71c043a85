package dev.sluice.uplink.route;

import java.util.List;
import java.util.stream.Collectors;

/** Everything that is wrong with a set of routes. Immutable. */
public final class RouteMistakes extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;
    private static final String PREFIX = "sluice.uplink.";

    private final transient List<Mistake> mistakes;

    /**
     * One mistake.
     *
     * @param route null when it is not about one route
     * @param field the key below the route's, or below {@code sluice.uplink} without a route: {@code kafka-topic}; empty for the route's name;
     *     a JSON Pointer for an unknown field: {@code /kafka-topik}
     * @param sentence says what is wrong
     */
    public record Mistake(String route, String field, String sentence) {
        /** The configuration key, then what is wrong. */
        @Override
        public String toString() {
            return key() + ": " + sentence;
        }

        private String key() {
            if (route == null) return PREFIX + field;
            return PREFIX + "routes." + route + (field.isEmpty() ? "" : "." + field);
        }
    }

    RouteMistakes(List<Mistake> mistakes) {
        super(mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")));
        this.mistakes = List.copyOf(mistakes);
    }

    public List<Mistake> mistakes() {
        return mistakes;
    }
}
