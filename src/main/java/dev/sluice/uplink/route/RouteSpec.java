package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig;
import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.config.UplinkConfig.IllegalCharacters;
import dev.sluice.config.UplinkConfig.OnFailure;
import dev.sluice.config.UplinkConfig.RouteConfig;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A route as somebody wrote it, whatever they wrote it in; {@link RoutesReader} says what is wrong with it. Immutable. The components are
 * those of {@link RouteConfig}.
 *
 * @param filter null for none
 * @param key null for records without a key
 * @param maximumPayload bytes, 0 for no bound
 * @param contract null for none; the text of a JSON Schema, or {@code file:} and a path
 */
public record RouteSpec(
        String filter,
        String kafkaTopic,
        String key,
        Map<String, String> headers,
        String partition,
        HeaderStyle headerStyle,
        IllegalCharacters illegalCharacters,
        int qosFloor,
        long maximumPayload,
        OnFailure onFailure,
        String contract) {
    public RouteSpec {
        headers = Map.copyOf(headers);
    }

    /** Those of the configuration, by name. */
    static SortedMap<String, RouteSpec> all(UplinkConfig config) {
        var specs = new TreeMap<String, RouteSpec>();
        config.routes().forEach((name, route) -> specs.put(name, of(route)));
        return specs;
    }

    static RouteSpec of(RouteConfig config) {
        return new RouteSpec(
                config.filter().orElse(null),
                config.kafkaTopic(),
                config.key().orElse(null),
                config.headers(),
                config.partition(),
                config.headerStyle(),
                config.illegalCharacters(),
                config.qosFloor(),
                config.maximumPayload().orElse(0),
                config.onFailure(),
                config.contract().orElse(null));
    }
}
