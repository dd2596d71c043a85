package dev.sluice.broker;

import dev.sluice.access.limit.Limit;
import dev.sluice.access.limit.LimitPlan;
import dev.sluice.access.limit.LimitValues;
import dev.sluice.access.limit.Scope;
import dev.sluice.access.limit.Shares;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.LimitsConfig.HolderLimits;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** Makes the plan of limits out of the configuration. Used once, at the start. */
final class ConfiguredLimits {
    private ConfiguredLimits() {}

    /** @throws IllegalArgumentException for a number that makes no sense, or a limit that such a holder cannot have */
    static LimitPlan plan(LimitsConfig config) {
        var defaults = new EnumMap<Scope, LimitValues>(Scope.class);
        config.per().forEach((name, limits) -> {
            var key = "sluice.limits.per." + name;
            defaults.put(scope(key, name), values(key, scope(key, name), limits));
        });
        var groups = new HashMap<String, LimitValues>();
        config.groups()
                .forEach((name, limits) ->
                        groups.put(name, values("sluice.limits.groups." + name, Scope.CLIENT, limits)));
        if (config.burst().toMillis() < 500)
            throw new IllegalArgumentException(
                    "sluice.limits.burst: is " + config.burst() + ", and has to be 500ms or more");
        return new LimitPlan(defaults, groups, new Shares(config.burst().toNanos(), config.rememberedMaximum()));
    }

    private static Scope scope(String key, String name) {
        for (var scope : Scope.values()) if (scope.toString().equals(name)) return scope;
        throw new IllegalArgumentException(key + ": \"" + name + "\" is not one of "
                + Arrays.stream(Scope.values()).map(Scope::toString).collect(Collectors.joining(", ")));
    }

    private static LimitValues values(String key, Scope scope, HolderLimits limits) {
        var values = new EnumMap<Limit, Long>(Limit.class);
        put(values, Limit.CONNECTIONS, limits.connections());
        put(values, Limit.CONNECTS, limits.connects());
        put(values, Limit.MESSAGES_IN, limits.messagesIn());
        put(values, Limit.BYTES_IN, limits.bytesIn());
        put(values, Limit.MESSAGES_OUT, limits.messagesOut());
        put(values, Limit.BYTES_OUT, limits.bytesOut());
        put(values, Limit.IN_FLIGHT, limits.inFlight());
        put(values, Limit.SUBSCRIPTIONS, limits.subscriptions());
        put(values, Limit.SESSIONS, limits.sessions());
        put(values, Limit.RETAINED, limits.retained());
        put(values, Limit.QUEUE_COUNT, limits.queueCount());
        put(values, Limit.QUEUE_BYTES, limits.queueBytes());
        for (var limit : values.keySet())
            if (!limit.isOf(scope))
                throw new IllegalArgumentException(key + "." + limit + ": no " + scope + " has this limit");
        try {
            return new LimitValues(values);
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(key + "." + wrong.getMessage(), wrong);
        }
    }

    private static void put(Map<Limit, Long> values, Limit limit, OptionalLong value) {
        value.ifPresent(it -> values.put(limit, it));
    }
}
