package dev.sluice.uplink;

import java.util.Map;

/**
 * A record that a route asks for. Immutable: any thread may use it.
 *
 * @param route its name
 * @param key null for a record without a key
 * @param headers those that the route adds
 */
public record Match(String route, String kafkaTopic, String key, Map<String, String> headers) {}
