package dev.sluice.uplink.route;

import dev.sluice.uplink.contract.CheckOverrun;
import dev.sluice.uplink.contract.Effort;
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
    /**
     * Why a message with this payload cannot have the record; null if it can.
     *
     * @throws CheckOverrun if that cannot be said with this effort
     */
    public Failure failure(byte[] payload, Effort effort) {
        return failure != null ? failure : route.failure(payload, effort);
    }
}
