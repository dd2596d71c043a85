package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** How messages of devices reach Kafka. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.uplink")
public interface UplinkConfig {
    /** The routes by name (letters, digits, - and _). Every route whose filter matches gets a record. Default: none. */
    Map<String, RouteConfig> routes();

    /**
     * The name of the route that takes the messages that no filter matches, when {@code unmatched} is
     * {@code default-route}. Default: none.
     */
    Optional<String> defaultRoute();

    /**
     * What becomes of a message that no filter matches: {@code refuse}, {@code drop}, {@code default-route} or
     * {@code dead-letter}. Default: {@code refuse}.
     */
    @WithDefault("refuse")
    Unmatched unmatched();

    /**
     * Bytes of messages, in all, that may wait for Kafka's acknowledgement; above, up to twice as many, there is a small share for each
     * partition, and what clients publish is held back where that is used up. Keep twice its value below the channel's
     * {@code buffer.memory}. Default: 16 MiB.
     */
    @WithDefault("16777216")
    long bytesInFlight();

    /**
     * The same for one connection, so that none takes the room of all. As many bytes are held back for it at most; above, its socket
     * is not read. Default: 1 MiB.
     */
    @WithDefault("1048576")
    long bytesInFlightPerConnection();

    /** Bytes of messages, in all, that are held back at most; above, sockets whose clients publish are not read. Default: 64 MiB. */
    @WithDefault("67108864")
    long bytesHeld();

    /** The same for one Kafka topic, so that one that takes nothing does not take the room of all. Default: 8 MiB. */
    @WithDefault("8388608")
    long bytesInFlightPerKafkaTopic();

    /** The same for one partition of a Kafka topic. Default: 4 MiB. */
    @WithDefault("4194304")
    long bytesInFlightPerPartition();

    /**
     * Kafka topics that routes with {@code create-topic=true} may come to, those counted that exist and that these routes could have made.
     * Default: 1000.
     */
    @WithDefault("1000")
    int createdTopicsMaximum();

    /**
     * How long a connection may wait for Kafka or PostgreSQL without any progress; then it is closed without a negative
     * acknowledgement (DISCONNECT 0x89), so that the client sends again. Default: 5 min.
     */
    @WithDefault("5m")
    Duration deadline();

    /** What happens to QoS 0 messages above the bounds: {@code wait} like all others, or {@code drop}. Default: wait. */
    @WithName("qos0-when-congested")
    @WithDefault("wait")
    QoS0WhenCongested qos0WhenCongested();

    /** The Kafka topic of messages and records that cannot go where they should, with the reason in their headers. Default: {@code sluice.dead-letter}. */
    @WithDefault("sluice.dead-letter")
    String deadLetterTopic();

    /** How long the check of a payload against its contract may take; one that takes longer breaks it. Default: 2 s. */
    @WithDefault("2s")
    Duration contractTimeout();

    /** Checks that run at once, beside the event loops: those of payloads above 16 KiB, or longer than 2 ms. Default: 2. */
    @WithDefault("2")
    int contractThreads();

    /** What happens to messages while Kafka is away: {@code pause} or {@code spool}. Default: pause. */
    @WithDefault("pause")
    Outage outage();

    /** How long Kafka may be silent, as a whole or for one Kafka topic, before records go to the spool. Default: 5 s. */
    @WithDefault("5s")
    Duration outageGrace();

    /** Records that the spool holds at most, those of all gateways; above, sockets are not read. Default: 1,000,000. */
    @WithDefault("1000000")
    long spoolRows();

    /** Their bytes at most: key, headers and value, and 100 for each. Default: 1 GiB. */
    @WithDefault("1073741824")
    long spoolBytes();

    /** What happens to messages while Kafka is away. */
    enum Outage {
        /** They wait, up to the bounds in bytes; then sockets are not read. */
        PAUSE,
        /** They are written to PostgreSQL and acknowledged; Kafka gets them when it is back. */
        SPOOL
    }

    /** What happens to QoS 0 messages while Kafka is behind. */
    enum QoS0WhenCongested {
        /** The socket is not read until there is room. */
        WAIT,
        /** Dropped and counted (sluice.uplink.shed), so that the socket can be read on. */
        DROP
    }

    /** What happens to a message that no filter matches. */
    enum Unmatched {
        /** Answered with Topic Name invalid (0x90), before version 5 by closing the connection. */
        REFUSE,
        /** Acknowledged (in version 5 with No matching subscribers, 0x10), counted and forgotten. */
        DROP,
        /** Sent to the default route. */
        DEFAULT_ROUTE,
        /** Written to the dead-letter topic, and answered with 0x90 in version 5, or acknowledged before. */
        DEAD_LETTER
    }

    /** One way from Topic Names to a Kafka topic. */
    interface RouteConfig {
        /**
         * The Topic Names that this route takes: an MQTT Topic Filter in which <code>{device}</code> is one level and
         * <code>{rest...}</code> all further levels, under a name that the templates below can use. A capture fills a
         * whole level. Only the default route may be without a filter. Default: none.
         */
        Optional<String> filter();

        /**
         * The Kafka topic of the records: text with <code>{name}</code> for a capture of the filter,
         * <code>{clientId}</code>, <code>{username}</code> (empty without one) or <code>{topic}</code>. A message for
         * which this is not a name that Kafka takes is refused. Required.
         */
        String kafkaTopic();

        /**
         * The key of the records, a template like that of the Kafka topic. Records without a key if it is, or comes
         * out, empty. Default: <code>{clientId}</code>.
         */
        @WithDefault("{clientId}")
        Optional<String> key();

        /**
         * Headers besides those that every record has, by name: templates like that of the key, and <code>{route}</code> for
         * the route's name; left out where the value comes out empty. Default: none.
         */
        Map<String, String> headers();

        /**
         * Which partition of the Kafka topic a record goes to: {@code key}, as Kafka hashes the key; {@code spread}, any, so that
         * batches are full and order is given up; a number; or a template like that of the key, whose text is hashed. Default:
         * {@code key}.
         */
        @WithDefault("key")
        String partition();

        /**
         * Whether the gateway creates the Kafka topic where it does not exist, with the number of partitions and of replicas that Kafka
         * gives to topics by default. Default: false.
         */
        @WithDefault("false")
        boolean createTopic();

        /** How the headers of a record are named: {@code mqtt} or {@code cloudevents}. Default: {@code mqtt}. */
        @WithDefault("mqtt")
        HeaderStyle headerStyle();

        /** What happens to characters that Kafka does not take in the name of a topic: {@code reject} or {@code replace}. Default: {@code reject}. */
        @WithDefault("reject")
        IllegalCharacters illegalCharacters();

        /**
         * The QoS, 0 or 1, that messages are treated with at least: at 1, those of QoS 0 are never dropped while Kafka is behind or
         * away, but wait like the others. Default: 0.
         */
        @WithDefault("0")
        int qosFloor();

        /** Bytes of the largest payload; a larger one is a failure. Default: none but that of the packet. */
        OptionalLong maximumPayload();

        /** What happens to a message that cannot have its record: {@code refuse} or {@code dead-letter}. Default: {@code refuse}. */
        @WithDefault("refuse")
        OnFailure onFailure();

        /** A JSON Schema that payloads must keep: its text, or {@code file:} and a path. Default: none. */
        Optional<String> contract();
    }

    /** How the headers of a record are named. */
    enum HeaderStyle {
        /** The headers mqtt-topic and so on, see docs/consumers.md. */
        MQTT,
        /** CloudEvents 1.0 in binary content mode: ce_id and so on. */
        CLOUDEVENTS
    }

    /** What happens to characters that Kafka does not take in the name of a topic. */
    enum IllegalCharacters {
        /** The message cannot have its record. */
        REJECT,
        /** Each becomes an underscore. */
        REPLACE
    }

    /** What happens to a message that cannot have its record. */
    enum OnFailure {
        /** Answered with a reason code, before version 5 by closing the connection. */
        REFUSE,
        /** Written to the dead-letter topic, and answered with a reason code in version 5, or acknowledged before. */
        DEAD_LETTER
    }
}
