package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig;
import jakarta.inject.Singleton;

/**
 * Owns the routes that messages follow now: what is forwarded from now on follows them, what is under way goes on as it began. Those of the
 * configuration file at first; {@link LiveRoutes} changes them. Any thread may read them.
 */
@Singleton // read for each PUBLISH: not by way of a proxy
public final class RoutesInForce {
    private volatile Routes routes;

    /** @throws RouteMistakes when the configuration is wrong */
    public RoutesInForce(UplinkConfig config) {
        routes = Routes.of(config);
    }

    public Routes routes() {
        return routes;
    }

    void use(Routes changed) {
        routes = changed;
    }
}
