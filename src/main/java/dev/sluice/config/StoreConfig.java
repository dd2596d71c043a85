package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * The keys below {@code sluice.store}; immutable, read by any thread. The connection pool has its own keys below
 * {@code quarkus.datasource}, and needs room for lanes + open-concurrency + read-concurrency +
 * credential-concurrency + retained-concurrency + 12 connections.
 */
@ConfigMapping(prefix = "sluice.store")
public interface StoreConfig {
    /** Journal lanes, each one connection while busy; a client's writes always take the same lane. Default 4. */
    @WithDefault("4")
    int lanes();

    /** Writes that may wait in one lane; a full lane makes its clients' sockets wait. Default 8192. */
    @WithDefault("8192")
    int laneCapacity();

    /** Bytes of messages and Topic Filters that may wait in one lane, and 256 for each copy or filter; above, its clients' sockets wait. Default 16 MiB. */
    @WithDefault("16777216")
    long laneBytes();

    /** Most writes that share one transaction. Default 1024. */
    @WithDefault("1024")
    int batchSize();

    /** Bytes of messages and Topic Filters, and 256 for each copy or filter, after which a transaction takes no further write. Default 1 MiB. */
    @WithDefault("1048576")
    long batchBytes();

    /** The longest that opening a session may take in all, waiting for its turn and for the client's due wills included. Default 3 s. */
    @WithDefault("3s")
    Duration openTimeout();

    /** Transactions that open sessions at the same time, each one connection; CONNECTs that wait share them. Default 8. */
    @WithDefault("8")
    int openConcurrency();

    /** Reads for clients at the same time, each one connection: those of their queues, and of subscriptions at the start. Default 4. */
    @WithDefault("4")
    int readConcurrency();

    /** Reads of credentials at the same time, for clients that are not let in yet, each one connection. Default 4. */
    @WithDefault("4")
    int credentialConcurrency();

    /**
     * Reads of clients' queues that may wait for their turn, and as many of credentials; a further one is tried again later, or its client is
     * not let in now. Default 20,000.
     */
    @WithDefault("20000")
    int readsWaiting();

    /**
     * Requests at the same time for retained messages and the names of their topics, each one connection; they have no part in the above.
     * Default 2.
     */
    @WithDefault("2")
    int retainedConcurrency();

    /** The longest that one request of these kinds, or for spool, routes and wills, may take, waiting for its turn included. Default 5 s. */
    @WithDefault("5s")
    Duration readTimeout();

    /** Pause between two looks at the version of the routes, in case a notification of their change was lost. Default 2 s. */
    @WithDefault("2s")
    Duration routesInterval();

    /**
     * Sessions in all, those of all gateways: above, a CONNECT that would begin a further one is refused. They are counted at times, so there
     * may be somewhat more. 0 bounds none. Default 1,000,000.
     */
    @WithDefault("1000000")
    long sessionsMaximum();

    /** Largest number of messages in a session's queue; one batch of each lane may exceed it. Default 250,000. */
    @WithDefault("250000")
    long queueCount();

    /** Their bytes at most: topics, payloads, properties as they are on the heap, and 64 for each message. Default 256 MiB. */
    @WithDefault("268435456")
    long queueBytes();

    /** What happens to a message for a queue that is full. Default drop-oldest. */
    @WithDefault("drop-oldest")
    QueuePolicy queuePolicy();

    /** What happens to a message for a session's queue that is full. */
    enum QueuePolicy {
        /**
         * It drops the oldest ones, except QoS 2 messages that may have been sent: without its message, the client would keep a
         * Packet Identifier that later means another one. A queue that is an eighth above its bounds takes nothing more.
         */
        DROP_OLDEST,
        /** The queue does not take it. */
        DROP_NEWEST
    }

    /** Pause between two questions to PostgreSQL whether it is there. Default 1 s. */
    @WithDefault("1s")
    Duration probeInterval();

    /** How long PostgreSQL may take to answer that question before it counts as away. Default 2 s. */
    @WithDefault("2s")
    Duration probeTimeout();

    /** How far PostgreSQL's clock may be from the gateway's before the log warns of it. Default 5 s. */
    @WithDefault("5s")
    Duration clockSkewMaximum();

    /** How old PostgreSQL's oldest snapshot, which keeps dead rows, may be before the log warns of it. Default 2 min. */
    @WithDefault("2m")
    Duration snapshotAgeMaximum();

    /** Pause between two sweeps of what has expired or ended. Default 10 s. */
    @WithDefault("10s")
    Duration sweepInterval();

    /** Most sessions or messages that one transaction of the sweep deletes. Default 500. */
    @WithDefault("500")
    int sweepBatch();

    /** How long the journal may take to commit what it holds when the gateway stops. Default 5 s. */
    @WithDefault("5s")
    Duration stopTimeout();
}
