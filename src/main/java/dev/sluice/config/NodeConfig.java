package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** This replica among its like. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.node")
public interface NodeConfig {
    /**
     * The replica's name in the table of sessions: unique among running replicas, and the same after a restart where the
     * host is the same. Default: host name and port.
     */
    @WithDefault("${HOSTNAME:sluice}:${quarkus.http.port}")
    String id();

    /** The time over which connections are ended when the gateway is told to stop. Default: 5 s. */
    @WithDefault("5s")
    Duration drain();
}
