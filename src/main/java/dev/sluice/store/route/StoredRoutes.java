package dev.sluice.store.route;

import java.time.Instant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The routes that PostgreSQL holds, as they were at one moment. Immutable.
 *
 * @param version goes up with each transaction that changes a route
 * @param routes by name
 */
public record StoredRoutes(long version, SortedMap<String, Entry> routes) {
    /**
     * One of them.
     *
     * @param spec the route as JSON
     * @param version that of the set which its last change made
     */
    public record Entry(String spec, long version, Instant updatedAt, String updatedBy) {}

    public StoredRoutes {
        routes = new TreeMap<>(routes);
    }

    /** The specs by name, to be changed. */
    public SortedMap<String, String> specs() {
        var specs = new TreeMap<String, String>();
        for (Map.Entry<String, Entry> route : routes.entrySet())
            specs.put(route.getKey(), route.getValue().spec());
        return specs;
    }
}
