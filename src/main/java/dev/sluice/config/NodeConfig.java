package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** This replica among its like. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.node")
public interface NodeConfig {
    /**
     * The replica's name in the table of sessions: unique among running replicas. Default: host name, as {@link HostName} finds it, and
     * port.
     */
    @WithDefault("${HOSTNAME}:${quarkus.http.port}")
    String id();

    /** So long after its last renewal a replica may be declared dead by another; the same for all. Default: 10 s. */
    @WithDefault("10s")
    Duration lease();

    /** How long clients still come and are served once the gateway is told to stop and is no longer ready. */
    @WithDefault("0s")
    Duration drainDelay();

    /** Clients that are let go in a second, at least 1: when the gateway drains, when connections are old, and in a rebalance. */
    @WithDefault("500")
    int drainRate();

    /** The time after the delay in which all clients are let go, faster than the rate if need be. */
    @WithDefault("20s")
    Duration drainMax();

    /** How old a connection may become, 10 % more or less; then its client is let go. 0s for any age. */
    @WithDefault("0s")
    Duration maxConnectionAge();

    /** Clients that are let go in a second while the replica has more than its share of all; 0 for none. */
    @WithDefault("0")
    int rebalanceRate();

    /** So long it has more than its share before it lets clients go. */
    @WithDefault("1m")
    Duration rebalanceAfter();
}
