package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How records of Kafka reach devices. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.downlink")
public interface DownlinkConfig {
    /** The Kafka topics whose records are for devices; empty switches the downlink off. Default: {@code sluice.downlink}. */
    @WithDefault("sluice.downlink")
    Optional<List<String>> topics();

    /** The consumer group; all replicas share it. Default: {@code sluice-downlink}. */
    @WithDefault("sluice-downlink")
    String group();

    /**
     * The Topic Name of the records of a Kafka topic, by the Kafka topic's name: text with <code>{key}</code>,
     * <code>{kafkaTopic}</code> and <code>{header:name}</code>. A record's own header {@code mqtt-topic} goes first; without either,
     * the key is the Topic Name. Default: none.
     */
    Map<String, String> templates();

    /** Records taken within the last second that may be unfinished; above, no more are taken from Kafka. Default: 10,000. */
    @WithDefault("10000")
    int inFlight();

    /** The same in bytes. Default: 16 MiB. */
    @WithDefault("16777216")
    long bytesInFlight();

    /**
     * Bytes of records that are unfinished after a second, as they wait for somebody. A partition is not read on when those of its records
     * take more than the others leave. Default: 32 MiB.
     */
    @WithDefault("33554432")
    long bytesWaiting();

    /** How long a record waits for somebody who subscribes to its topic. Default: 30 s. */
    @WithDefault("30s")
    Duration patience();

    /** How long clients may take to acknowledge a record, repeats included. Default: 60 s. */
    @WithDefault("60s")
    Duration deliveryTimeout();

    /** The Kafka topic that gets the records that did not reach everybody. Default: none. */
    Optional<String> undeliverableTopic();

    /** What happens to records that cannot be read: corrupt, or compressed by a codec that is not there. Default: dead-letter. */
    @WithDefault("dead-letter")
    UnreadablePolicy unreadable();

    /** What happens to records that cannot be read. */
    enum UnreadablePolicy {
        /** Their batch goes to the dead-letter topic as it is, and those behind it go on. */
        DEAD_LETTER,
        /** Their partition stands still until they can be read, or Kafka no longer has them. */
        WAIT
    }

    /** Properties of the Kafka consumer, by name. Default: none. */
    Map<String, String> consumer();
}
