package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How gateways tell each other things, through Kafka. The same for all of them. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.relay")
public interface RelayConfig {
    /** The Kafka topic; the gateway creates it where it is missing. */
    @WithDefault("sluice.relay")
    String topic();

    /** Partitions of the topic when it is created: one for all, and one for each gateway that lives at the same time. */
    @WithDefault("64")
    int partitions();

    /** How long an announcement waits, once Kafka has it, until each gateway that lives has seen it; then it counts as seen. */
    @WithDefault("1s")
    Duration patience();

    /** Bytes for other gateways that Kafka does not have yet; above, a message is refused, and of an announcement others have to ask. */
    @WithDefault("16777216")
    long bytesInFlight();
}
