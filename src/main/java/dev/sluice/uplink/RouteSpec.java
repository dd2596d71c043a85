package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig.RouteConfig;
import java.util.Map;

/**
 * A route as somebody wrote it, whatever they wrote it in; {@link RoutesReader} says what is wrong with it. Immutable.
 *
 * @param filter null for none
 * @param key null for records without a key
 */
public record RouteSpec(String filter, String kafkaTopic, String key, Map<String, String> headers) {
    public RouteSpec {
        headers = Map.copyOf(headers);
    }

    static RouteSpec of(RouteConfig config) {
        return new RouteSpec(
                config.filter().orElse(null), config.kafkaTopic(), config.key().orElse(null), config.headers());
    }
}
