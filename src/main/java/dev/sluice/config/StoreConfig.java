package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/**
 * The keys below {@code sluice.store}; immutable, read by any thread. The connection pool has its own keys below
 * {@code quarkus.datasource}, and needs room for lanes + open-concurrency + 3 connections.
 */
@ConfigMapping(prefix = "sluice.store")
public interface StoreConfig {
    /** Journal lanes, each one connection while busy; a client's writes always take the same lane. Default 4. */
    @WithDefault("4")
    int lanes();

    /** Writes that may wait in one lane; a full lane makes its clients' sockets wait. Default 8192. */
    @WithDefault("8192")
    int laneCapacity();

    /** Most writes that share one transaction. Default 1024. */
    @WithDefault("1024")
    int batchSize();

    /** The longest that opening a session may take in all, waiting for its turn included. Default 3 s. */
    @WithDefault("3s")
    Duration openTimeout();

    /** Sessions that may be opened at the same time, each one connection. Default 8. */
    @WithDefault("8")
    int openConcurrency();

    /** Pause between two questions to PostgreSQL whether it is there. Default 1 s. */
    @WithDefault("1s")
    Duration probeInterval();

    /** How long PostgreSQL may take to answer that question before it counts as away. Default 2 s. */
    @WithDefault("2s")
    Duration probeTimeout();

    /** Pause between two sweeps of expired sessions. Default 10 s. */
    @WithDefault("10s")
    Duration sweepInterval();

    /** Most sessions that one transaction of the sweep deletes. Default 500. */
    @WithDefault("500")
    int sweepBatch();

    /** How long the journal may take to commit what it holds when the gateway stops. Default 5 s. */
    @WithDefault("5s")
    Duration stopTimeout();
}
