package dev.sluice.uplink;

import java.util.Map;

/**
 * A record that a route asks for. Immutable: any thread may use it.
 *
 * @param name of the route
 * @param route its index: 0 to one less than the number of routes
 * @param key null for a record without a key
 * @param headers those that the route adds
 */
public record Match(String name, int route, String kafkaTopic, String key, Map<String, String> headers) {}
