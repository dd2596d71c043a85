package dev.sluice.store;

import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.Will;
import dev.sluice.store.JournalWrite.Accept;
import dev.sluice.store.JournalWrite.Acknowledge;
import dev.sluice.store.JournalWrite.CloseSession;
import dev.sluice.store.JournalWrite.ForgetReceived;
import dev.sluice.store.JournalWrite.Outcome;
import dev.sluice.store.SessionStore.OpenRequest;
import dev.sluice.store.SessionStore.OpenedSession;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalConnectionPoolConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.exceptionsorter.PostgreSQLExceptionSorter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import javax.sql.DataSource;

/** Owns the store as the gateway has it, pool and threads included, without Quarkus; any thread of the test. */
final class StoreRig implements AutoCloseable {
    static final NodeConfig NODE = new NodeConfig() {
        @Override
        public String id() {
            return "node-1";
        }

        @Override
        public Duration drain() {
            return Duration.ZERO;
        }
    };

    static final long NEVER = 4_294_967_295L;

    final DataSource pool;
    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final StoreHealth health;
    final SessionStore sessions;
    final Journal journal;
    final SessionExpiry expiry;
    final Orphans orphans;
    final DeliverySweep sweep;
    final QueueReader queues;
    final RetainedReader retained;
    final SubscriptionReader subscriptions;
    final Wills wills;
    final SpoolStore spool;
    private final Duration openTimeout;
    final RouteStore routes;
    final List<SessionsEnded> ended = new CopyOnWriteArrayList<>();
    /** Who is offered what ended sessions leave. */
    volatile Consumer<SharedLeft> heirs = _ -> {};

    StoreRig(EmbeddedServer server, Settings settings) {
        this(pool(server), settings);
    }

    /** On a pool that the test has laid its hands on. */
    StoreRig(DataSource pool, Settings settings) {
        this.pool = pool;
        openTimeout = settings.openTimeout();
        health = new StoreHealth(pool, settings);
        sessions = new SessionStore(pool, settings, health, metrics);
        orphans = new Orphans(pool, metrics);
        journal = new Journal(pool, settings, NODE, health, orphans, metrics);
        expiry = new SessionExpiry(pool, settings, NODE, health, metrics, ended::add);
        sweep = new DeliverySweep(pool, settings, health, orphans, metrics, left -> heirs.accept(left));
        var reads = new StoreReads(pool, settings, health);
        queues = new QueueReader(reads);
        retained = new RetainedReader(reads);
        subscriptions = new SubscriptionReader(reads);
        wills = new Wills(reads, NODE);
        spool = new SpoolStore(reads, NODE);
        routes = new RouteStore(reads);
        health.start();
    }

    /** Keys that tests vary; the others are as short as a test may wait. */
    record Settings(
            int lanes,
            int laneCapacity,
            int batchSize,
            int sweepBatch,
            long queueCount,
            long queueBytes,
            QueuePolicy queuePolicy)
            implements StoreConfig {
        static final Settings ONE_LANE = new Settings(1, 8192, 1024, 500);

        Settings(int lanes, int laneCapacity, int batchSize, int sweepBatch) {
            this(lanes, laneCapacity, batchSize, sweepBatch, 250_000, 1 << 28, QueuePolicy.DROP_OLDEST);
        }

        @Override
        public long laneBytes() {
            return 1 << 24;
        }

        @Override
        public long batchBytes() {
            return 1 << 20;
        }

        @Override
        public int readConcurrency() {
            return 4;
        }

        @Override
        public Duration readTimeout() {
            return Duration.ofSeconds(2);
        }

        @Override
        public Duration routesInterval() {
            return Duration.ofMillis(500);
        }

        @Override
        public Duration openTimeout() {
            return Duration.ofSeconds(2);
        }

        @Override
        public int openConcurrency() {
            return 8;
        }

        @Override
        public Duration probeInterval() {
            return Duration.ofMillis(200);
        }

        @Override
        public Duration probeTimeout() {
            return Duration.ofSeconds(1);
        }

        @Override
        public Duration sweepInterval() {
            return Duration.ofHours(1);
        }

        @Override
        public Duration stopTimeout() {
            return Duration.ofSeconds(2);
        }
    }

    /** As application.properties sets it up, with a shorter socket timeout. */
    static AgroalDataSource pool(EmbeddedServer server) {
        var url = server.url() + "&socketTimeout=2&connectTimeout=2&loginTimeout=3&tcpKeepAlive=true";
        var configuration = new AgroalConnectionPoolConfigurationSupplier()
                .maxSize(20)
                .acquisitionTimeout(Duration.ofSeconds(2))
                .idleValidationTimeout(Duration.ofMillis(500))
                .exceptionSorter(new PostgreSQLExceptionSorter())
                .connectionFactoryConfiguration(factory -> factory.jdbcUrl(url).initialSql(newConnectionSql()));
        try {
            return AgroalDataSource.from(
                    new AgroalDataSourceConfigurationSupplier().connectionPoolConfiguration(configuration));
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static String newConnectionSql() {
        var properties = new Properties();
        try (var in = StoreRig.class.getResourceAsStream("/application.properties")) {
            properties.load(in);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        return properties.getProperty("quarkus.datasource.jdbc.new-connection-sql");
    }

    OpenedSession open(String clientId, boolean cleanStart, long expirySeconds) {
        return open(clientId, cleanStart, expirySeconds, null);
    }

    OpenedSession open(String clientId, boolean cleanStart, long expirySeconds, Will will) {
        return sessions.open(
                new OpenRequest(clientId, cleanStart, 5, expirySeconds, "someone", "node-1", will), openTimeout);
    }

    CompletableFuture<Outcome> remember(String clientId, long epoch, int packetId, String messageId) {
        return submit(done -> Accept.remembering(clientId, epoch, packetId, messageId, done));
    }

    CompletableFuture<Outcome> forget(String clientId, long epoch, int packetId) {
        return submit(done -> new ForgetReceived(clientId, epoch, packetId, done));
    }

    CompletableFuture<Outcome> disconnect(String clientId, long epoch, long expirySeconds, int reason) {
        return submit(done -> new CloseSession(clientId, epoch, expirySeconds, reason, 0, false, done));
    }

    /** Publishes without a fence. */
    CompletableFuture<Outcome> accept(String publisher, Message message, Copy... copies) {
        return accept(publisher, JournalWrite.NO_FENCE, message, copies);
    }

    CompletableFuture<Outcome> accept(String publisher, long epoch, Message message, Copy... copies) {
        return submit(done -> new Accept(publisher, epoch, message, List.of(copies), false, 0, null, done));
    }

    CompletableFuture<Outcome> retain(Message message) {
        return submit(done -> new Accept("publisher", JournalWrite.NO_FENCE, message, List.of(), true, 0, null, done));
    }

    CompletableFuture<Outcome> acknowledge(String clientId, long epoch, long seq, long sentSeq) {
        return submit(done -> new Acknowledge(clientId, epoch, seq, sentSeq, done));
    }

    /** A write that is completed by its outcome. */
    interface Writing {
        JournalWrite telling(Consumer<Outcome> done);
    }

    CompletableFuture<Outcome> submit(Writing writing) {
        var outcome = new CompletableFuture<Outcome>();
        if (!journal.submit(writing.telling(outcome::complete))) {
            throw new AssertionError("the lane is full");
        }
        return outcome;
    }

    double batches() {
        return metrics.get("sluice.journal.batch").summary().count();
    }

    @Override
    public void close() {
        journal.stop();
        health.stop();
        if (pool instanceof AgroalDataSource ours) ours.close();
    }
}
