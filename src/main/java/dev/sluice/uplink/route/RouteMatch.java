package dev.sluice.uplink.route;

import java.util.Map;

/**
 * A record that a route asks for. Immutable: any thread may use it.
 *
 * @param key null for a record without a key
 * @param headers those that the route adds
 * @param failure why no message of this Topic Name can have the record, so that each becomes a dead letter; null if it can
 */
public record RouteMatch(
        Route route, String kafkaTopic, String key, Map<String, String> headers, Partition partition, Failure failure) {
    /** Why a message with this payload cannot have the record; null if it can. */
    public Failure failure(byte[] payload) {
        return failure != null ? failure : route.failure(payload);
    }
}
