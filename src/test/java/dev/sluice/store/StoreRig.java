package dev.sluice.store;

import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.JournalWrite.CloseSession;
import dev.sluice.store.JournalWrite.ForgetReceived;
import dev.sluice.store.JournalWrite.Outcome;
import dev.sluice.store.JournalWrite.RememberReceived;
import dev.sluice.store.SessionStore.OpenRequest;
import dev.sluice.store.SessionStore.OpenedSession;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalConnectionPoolConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.exceptionsorter.PostgreSQLExceptionSorter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Owns the store as the gateway has it, pool and threads included, without Quarkus; any thread of the test. */
final class StoreRig implements AutoCloseable {
    private static final NodeConfig NODE = new NodeConfig() {
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

    final AgroalDataSource pool;
    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    final StoreHealth health;
    final SessionStore sessions;
    final Journal journal;
    final SessionExpiry expiry;

    StoreRig(EmbeddedServer server, Settings settings) {
        pool = pool(server);
        health = new StoreHealth(pool, settings);
        sessions = new SessionStore(pool, settings, health, metrics);
        journal = new Journal(pool, settings, health, metrics);
        expiry = new SessionExpiry(pool, settings, NODE, health, metrics);
        health.start();
    }

    /** Keys that tests vary; the others are as short as a test may wait. */
    record Settings(int lanes, int laneCapacity, int batchSize, int sweepBatch) implements StoreConfig {
        static final Settings ONE_LANE = new Settings(1, 8192, 1024, 500);

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
    private static AgroalDataSource pool(EmbeddedServer server) {
        var url = server.url() + "&socketTimeout=2&connectTimeout=2&loginTimeout=3&tcpKeepAlive=true";
        var configuration = new AgroalConnectionPoolConfigurationSupplier()
                .maxSize(20)
                .acquisitionTimeout(Duration.ofSeconds(2))
                .idleValidationTimeout(Duration.ofMillis(500))
                .exceptionSorter(new PostgreSQLExceptionSorter())
                .connectionFactoryConfiguration(
                        factory -> factory.jdbcUrl(url).initialSql("SET idle_in_transaction_session_timeout = '10s'"));
        try {
            return AgroalDataSource.from(
                    new AgroalDataSourceConfigurationSupplier().connectionPoolConfiguration(configuration));
        } catch (SQLException failure) {
            throw new IllegalStateException(failure);
        }
    }

    OpenedSession open(String clientId, boolean cleanStart, long expirySeconds) {
        return sessions.open(new OpenRequest(clientId, cleanStart, 5, expirySeconds, "someone", "node-1"));
    }

    CompletableFuture<Outcome> remember(String clientId, long epoch, int packetId, String messageId) {
        return submit(done -> new RememberReceived(clientId, epoch, packetId, messageId, done));
    }

    CompletableFuture<Outcome> forget(String clientId, long epoch, int packetId) {
        return submit(done -> new ForgetReceived(clientId, epoch, packetId, done));
    }

    CompletableFuture<Outcome> disconnect(String clientId, long epoch, long expirySeconds, int reason) {
        return submit(done -> new CloseSession(clientId, epoch, expirySeconds, reason, done));
    }

    private interface Writing {
        JournalWrite telling(Consumer<Outcome> done);
    }

    private CompletableFuture<Outcome> submit(Writing writing) {
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
        pool.close();
    }
}
