package dev.sluice.store;

import static org.awaitility.Awaitility.await;

import dev.sluice.codec.InputBounds;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.Will;
import dev.sluice.store.delivery.BoundedMessages;
import dev.sluice.store.delivery.DeliverySweep;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.Orphans;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedBounds;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.delivery.SharedQueues;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.node.Burial;
import dev.sluice.store.route.RouteStore;
import dev.sluice.store.session.SessionExpiry;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.Wills;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.support.NodeSettings;
import io.agroal.api.AgroalDataSource;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Owns the store as the gateway has it, pool and threads included, without Quarkus; any thread of the test. */
public final class StoreRig implements AutoCloseable {
    public static final NodeConfig NODE = NodeSettings.of("node-1");

    /** As the gateway has them. */
    public static final InputBounds BOUNDS = new InputBounds(128, 64, 16_384, 131_072, 1000, 16_384, 65_536, 16);

    public static final long NEVER = 4_294_967_295L;
    /** Of every session that is opened here. */
    public static final int SEND_QUOTA = 10;

    public final AgroalDataSource pool;
    public final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    /** In whose name it writes; none at first. */
    public final NodeRun run = new NodeRun();

    public final StoreClock clock;
    public final StoreHealth health;
    public final SessionStore sessions;
    public final Journal journal;
    public final Burial burial;
    public final SessionExpiry expiry;
    public final Orphans orphans;
    public final DeliverySweep sweep;
    public final QueueReader queues;
    public final SharedQueues sharedQueues;
    public final RetainedTopics retainedTopics;
    public final RetainedReader retained;
    public final SubscriptionReader subscriptions;
    public final Wills wills;
    public final SpoolStore spool;
    private final Duration openTimeout;
    public final RouteStore routes;
    public final StoreRequests requests;
    public final List<SessionsEnded> ended = new CopyOnWriteArrayList<>();
    /** Gives the messages of ended sessions to others. */
    public volatile Consumer<OrphanedDeliveries> redelivery =
            orphaned -> orphaned.deliveries().forEach(orphaned::done);

    public StoreRig(EmbeddedServer server, Settings settings) {
        this(settings.isHasty() ? Pools.hasty(server) : Pools.patient(server), settings);
    }

    /** On a pool that the test has laid its hands on. Returns once the server answers, for which the first call may take long. */
    public StoreRig(AgroalDataSource pool, Settings settings) {
        this(pool, settings, Clock.systemUTC());
    }

    /** @param retained how much may be retained */
    public StoreRig(AgroalDataSource pool, Settings settings, RetainedBounds retained) {
        this(pool, settings, Clock.systemUTC(), retained);
    }

    /** @param own the gateway's clock, by which it knows PostgreSQL's */
    public StoreRig(AgroalDataSource pool, Settings settings, Clock own) {
        this(pool, settings, own, RetainedBounds.NONE);
    }

    private StoreRig(AgroalDataSource pool, Settings settings, Clock own, RetainedBounds retainedBounds) {
        this.pool = pool;
        clock = new StoreClock(own);
        openTimeout = settings.openTimeout();
        health = new StoreHealth(pool, settings, NODE, clock);
        sessions = new SessionStore(pool, settings, run, health, meters);
        orphans = new Orphans(pool, meters);
        requests = new StoreRequests(pool, settings, health, meters);
        retainedTopics = new RetainedTopics(requests, clock, retainedBounds, meters);
        journal = new Journal(pool, settings, NODE, run, health, orphans, retainedTopics, meters);
        var turn = new SweepTurn();
        turn.set(true);
        burial = new Burial(pool, settings, meters);
        expiry = new SessionExpiry(pool, settings, health, turn, meters, ended::add);
        var messages = new BoundedMessages(BOUNDS, meters);
        sweep = new DeliverySweep(
                pool,
                settings,
                health,
                turn,
                orphans,
                messages,
                retainedTopics,
                meters,
                orphaned -> redelivery.accept(orphaned));
        queues = new QueueReader(requests, messages);
        sharedQueues = new SharedQueues(requests, messages, orphans);
        retained = new RetainedReader(requests, settings, meters);
        subscriptions = new SubscriptionReader(requests);
        wills = new Wills(pool, settings, health, NODE, BOUNDS);
        spool = new SpoolStore(requests, NODE);
        routes = new RouteStore(requests);
        health.start();
        await().until(health::available);
    }

    /**
     * Keys that tests vary; the others are as short as a test may wait. Only what bounds an answer is long: a machine that stands still for
     * seconds fails nothing.
     *
     * @param isHasty whether it gives up soon, for tests of PostgreSQL's faults
     */
    public record Settings(
            int lanes,
            int laneCapacity,
            int batchSize,
            int sweepBatch,
            long queueCount,
            long queueBytes,
            QueuePolicy queuePolicy,
            long sessionsMaximum,
            boolean isHasty,
            Duration stopTimeout)
            implements StoreConfig {
        /** Nobody waits so long, unless something hangs. */
        static final Duration PATIENCE = Duration.ofSeconds(60);

        static final Duration HASTE = Duration.ofSeconds(2);

        public static final Settings ONE_LANE = new Settings(1, 8192, 1024, 500);

        public Settings(int lanes, int laneCapacity, int batchSize, int sweepBatch) {
            this(lanes, laneCapacity, batchSize, sweepBatch, 250_000, 1 << 28, QueuePolicy.DROP_OLDEST);
        }

        public Settings(
                int lanes,
                int laneCapacity,
                int batchSize,
                int sweepBatch,
                long queueCount,
                long queueBytes,
                QueuePolicy queuePolicy) {
            this(lanes, laneCapacity, batchSize, sweepBatch, queueCount, queueBytes, queuePolicy, 0);
        }

        public Settings(
                int lanes,
                int laneCapacity,
                int batchSize,
                int sweepBatch,
                long queueCount,
                long queueBytes,
                QueuePolicy queuePolicy,
                long sessionsMaximum) {
            this(
                    lanes,
                    laneCapacity,
                    batchSize,
                    sweepBatch,
                    queueCount,
                    queueBytes,
                    queuePolicy,
                    sessionsMaximum,
                    false,
                    PATIENCE);
        }

        public Settings hasty() {
            return with(true, HASTE);
        }

        /** For a test that stops it in the middle of something. */
        public Settings stopping(Duration stopTimeout) {
            return with(isHasty, stopTimeout);
        }

        private Settings with(boolean isHasty, Duration stopTimeout) {
            return new Settings(
                    lanes,
                    laneCapacity,
                    batchSize,
                    sweepBatch,
                    queueCount,
                    queueBytes,
                    queuePolicy,
                    sessionsMaximum,
                    isHasty,
                    stopTimeout);
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
        public int credentialConcurrency() {
            return 4;
        }

        @Override
        public int readsWaiting() {
            return 100;
        }

        @Override
        public int retainedConcurrency() {
            return 2;
        }

        @Override
        public Duration readTimeout() {
            return isHasty ? HASTE : PATIENCE;
        }

        @Override
        public Duration routesInterval() {
            return Duration.ofMillis(500);
        }

        @Override
        public Duration openTimeout() {
            return isHasty ? HASTE : PATIENCE;
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
            return isHasty ? HASTE.dividedBy(2) : PATIENCE;
        }

        @Override
        public Duration sweepInterval() {
            return Duration.ofHours(1);
        }

        @Override
        public Duration clockSkewMaximum() {
            return Duration.ofSeconds(5);
        }

        @Override
        public Duration snapshotAgeMaximum() {
            return Duration.ofMillis(1);
        }
    }

    public OpenedSession open(String clientId, boolean cleanStart, long expirySeconds) {
        return open(clientId, cleanStart, expirySeconds, null);
    }

    public OpenedSession open(String clientId, boolean cleanStart, long expirySeconds, Will will) {
        return sessions.open(
                new OpenRequest(clientId, cleanStart, 5, expirySeconds, "someone", "node-1", SEND_QUOTA, will),
                openTimeout);
    }

    /** Ends what a gateway left that was killed, as its next start does; returns how many connections. */
    public int reclaim(String node) throws SQLException {
        burial.release(node);
        var now = Transaction.run(pool, connection -> {
            try (var next = connection.prepareStatement("SELECT nextval('session_epoch')")) {
                return Rows.longs(next).getFirst();
            }
        });
        return burial.endEarlier(node, now, () -> false).ended();
    }

    public CompletableFuture<Outcome> remember(String clientId, long epoch, int packetId, String messageId) {
        return submit(done ->
                Accept.kept(clientId, epoch, null, List.of(), false, done).exactlyOnce(packetId, messageId));
    }

    public CompletableFuture<Outcome> forget(String clientId, long epoch, int packetId) {
        return submit(done -> new ForgetReceived(clientId, epoch, packetId, done));
    }

    public CompletableFuture<Outcome> disconnect(String clientId, long epoch, long expirySeconds, int reason) {
        return submit(done -> new CloseSession(clientId, epoch, expirySeconds, reason, 0, false, done));
    }

    /** Publishes without a fence. */
    public CompletableFuture<Outcome> accept(String publisher, Message message, Copy... copies) {
        return accept(publisher, JournalWrite.NO_FENCE, message, copies);
    }

    public CompletableFuture<Outcome> accept(String publisher, long epoch, Message message, Copy... copies) {
        return submit(done -> Accept.kept(publisher, epoch, message, List.of(copies), false, done));
    }

    public CompletableFuture<Outcome> retain(Message message) {
        return submit(done -> Accept.unfenced("publisher", message, List.of(), true, done));
    }

    /** With the stamp of an earlier announcement, so that nobody else sees it before it is committed. */
    public CompletableFuture<Outcome> retain(Message message, long stamp) {
        return submit(done ->
                Accept.unfenced("publisher", message, List.of(), true, done).stamped(stamp));
    }

    public CompletableFuture<Outcome> acknowledge(String clientId, long epoch, long seq, long sentSeq) {
        return submit(done -> new Acknowledge(clientId, epoch, seq, sentSeq, done));
    }

    /** A write that is completed by its outcome. */
    public interface Writing {
        public JournalWrite telling(Consumer<Outcome> done);
    }

    public CompletableFuture<Outcome> submit(Writing writing) {
        var outcome = new CompletableFuture<Outcome>();
        if (!journal.submit(writing.telling(outcome::complete))) throw new AssertionError("the lane is full");
        return outcome;
    }

    public double batches() {
        return meters.get("sluice.journal.batch").summary().count();
    }

    @Override
    public void close() {
        journal.stop();
        health.stop();
        pool.close();
    }
}
