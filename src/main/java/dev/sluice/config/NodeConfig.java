package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** This replica among its like. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.node")
public interface NodeConfig {
    /** The replica's name in the table of sessions, unique among running replicas. Default: the host's name. */
    @WithDefault("${HOSTNAME:sluice}")
    String id();

    /** The time over which connections are ended when the gateway is told to stop. Default: 5 s. */
    @WithDefault("5s")
    Duration drain();
}
