package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;

/** How much clients may take of the gateway. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.limits")
public interface LimitsConfig {
    /** What each holder has; the name is `client`, `identity`, `group`, `address` or `gateway`. */
    Map<String, HolderLimits> per();

    /** What each client of a group has, by the group's name, in place of `per.client`. */
    Map<String, HolderLimits> groups();

    /** What becomes of a PUBLISH above `messages-in`. */
    @WithDefault("wait")
    OnExcess onMessagesIn();

    /** What becomes of a PUBLISH above `bytes-in`. */
    @WithDefault("wait")
    OnExcess onBytesIn();

    /** How much of a rate may be taken at once, as the time in which it comes back. */
    @WithDefault("1s")
    Duration burst();

    /** Holders without a connection that are remembered until their burst is whole again. */
    @WithDefault("100000")
    int rememberedMaximum();

    /** Take-overs of a client in half a minute, or so, that wait for nothing. */
    @WithDefault("10")
    int takeOversFree();

    /** Wait of the next one; each further one waits twice as long. */
    @WithDefault("100ms")
    Duration takeOverDelay();

    /** The longest of these waits; 0s for none. */
    @WithDefault("10s")
    Duration takeOverDelayMaximum();

    /** Time in which half of a client's take-overs are forgotten. */
    @WithDefault("60s")
    Duration takeOverForgetTime();

    /** Heap that is in use after a collection, in percent of its maximum, from which on no new connections are accepted; 0 for never. */
    @WithDefault("90")
    int overloadHeapPercent();

    /** Delay of an event loop from which on no new connections are accepted; 0s for never. */
    @WithDefault("5s")
    Duration overloadLoopDelay();

    /** What becomes of a PUBLISH that is above a rate. */
    enum OnExcess {
        /** It is held back; everything else of the client is answered. */
        WAIT,
        /** It is answered with 0x97, and dropped at QoS 0. */
        REFUSE,
        /** The client is disconnected with 0x96. */
        DISCONNECT
    }

    /** Limits of one holder. A rate is at least 1. */
    interface HolderLimits {
        /** Connections at a time; a further one is refused with 0x97. */
        OptionalLong connections();

        /** CONNECTs a second; a further one is refused with 0x9F. */
        OptionalLong connects();

        /** PUBLISHes a second from clients. */
        OptionalLong messagesIn();

        /** Bytes a second of their topics, properties and payloads. */
        OptionalLong bytesIn();

        /** PUBLISHes a second to clients; further ones wait. */
        OptionalLong messagesOut();

        /** Bytes a second of their topics, properties and payloads; further ones wait. */
        OptionalLong bytesOut();

        /** QoS 1 and 2 PUBLISHes of a client that may wait for their answers, at most `sluice.mqtt.receive-maximum`; only of a client. */
        OptionalLong inFlight();

        /** Subscriptions, at most `sluice.mqtt.subscriptions-maximum`; only of a client. */
        OptionalLong subscriptions();

        /** Sessions in PostgreSQL; only of an identity. */
        OptionalLong sessions();

        /** Retained messages; only of an identity. */
        OptionalLong retained();

        /**
         * Messages that wait in memory, at most `sluice.mqtt.queue-count`, and those of a session's queue in PostgreSQL, at most
         * `sluice.store.queue-count`; only of a client.
         */
        OptionalLong queueCount();

        /** The same in bytes, at most `sluice.mqtt.queue-bytes` and `sluice.store.queue-bytes`; only of a client. */
        OptionalLong queueBytes();
    }
}
