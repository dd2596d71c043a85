package dev.sluice.store.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.StoreConfig.QueuePolicy;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.Pools;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two gateways write the same sessions: each goes on with those that the other one has taken over, as one does that was frozen for a
 * while. Nobody waits in a circle.
 */
@Tag("postgres")
@Timeout(180)
class TwoGatewaysTest {
    private static final int CLIENTS = 10;
    private static final int ROUNDS = 150;
    private static final int WRITES_BETWEEN_OPENS = 15;
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @BeforeEach
    void empty() {
        SERVER.empty();
    }

    @Test
    void nobodyWaitsInACircle() throws Exception {
        var before = deadlocks();
        // Found sooner than the wait for a lock ends.
        var settings = new StoreRig.Settings(4, 8192, 50, 50, 200, 1 << 20, QueuePolicy.DROP_OLDEST);
        var sql = Pools.patientSql() + "; SET deadlock_timeout = '50ms'";
        try (var one = new TestedGateway("node-1", new StoreRig(Pools.patient(SERVER, sql), settings));
                var other = new TestedGateway("node-2", new StoreRig(Pools.patient(SERVER, sql), settings));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int client = 0; client < CLIENTS; client++) one.open(client, false);
            var tasks = new ArrayList<Future<?>>();
            for (var gateway : List.of(one, other)) {
                tasks.add(threads.submit(gateway.task(gateway::write)));
                tasks.add(threads.submit(gateway.task(gateway::openAndBury)));
                tasks.add(threads.submit(gateway.task(gateway::sweep)));
            }
            for (var task : tasks) task.get();
            for (var gateway : List.of(one, other))
                assertThat(gateway.outcomes)
                        .extracting(CompletableFuture::join)
                        .containsOnly(Outcome.COMMITTED, Outcome.FENCED, Outcome.GONE);
        }
        assertThat(deadlocks()).isEqualTo(before);
    }

    /** Those that were found so far; of connections that have ended all are known. */
    private static String deadlocks() {
        return SERVER.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    }

    private static String name(int client) {
        return "c" + client;
    }

    /** One gateway's store, and the epochs under which it believes to hold sessions. */
    private static final class TestedGateway implements AutoCloseable {
        private final String node;
        private final StoreRig rig;
        private final RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
        private final Map<Integer, Long> epochs = new ConcurrentHashMap<>();
        private final List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        private volatile int written;
        private volatile boolean isDone;

        TestedGateway(String node, StoreRig rig) {
            this.node = node;
            this.rig = rig;
        }

        void open(int client, boolean cleanStart) {
            var will = new Will(TopicName.of("w/" + client), QoS.AT_LEAST_ONCE, true, Properties.NONE, new byte[] {1});
            var expiry = random.nextInt(3) == 0 ? 0 : 60;
            var opened = rig.sessions.open(
                    new OpenRequest(name(client), cleanStart, 5, expiry, "someone", node, StoreRig.SEND_QUOTA, will),
                    Duration.ofSeconds(20));
            epochs.put(client, opened.epoch());
        }

        /** What may fail in one thread of a gateway. */
        interface Work {
            void run() throws SQLException;
        }

        Callable<Void> task(Work work) {
            return () -> {
                work.run();
                return null;
            };
        }

        void write() {
            try {
                for (int round = 0; round < ROUNDS; round++) {
                    for (int client = 0; client < CLIENTS; client++) write(client, round);
                    if (outcomes.size() > 400)
                        outcomes.get(outcomes.size() - 400).join();
                }
            } finally {
                isDone = true;
            }
        }

        private void write(int client, int round) {
            var epoch = epochs.getOrDefault(client, 1L);
            var clientId = name(client);
            var message = Messages.message("r/" + random.nextInt(5), round % 2 == 0 ? " ".repeat(300) : "x");
            var retain = random.nextInt(4) == 0;
            submit(done -> Accept.kept(clientId, epoch, message, copies(), retain, done)
                    .exactlyOnce(1 + round % 9, "m"));
            submit(done -> Accept.unfenced("publisher-" + client, message, copies(), retain, done));
            for (var row : rig.queues.page(clientId, 0, 3, 1 << 20).rows()) {
                submit(done -> new MarkReceived(clientId, epoch, row.seq(), done));
                submit(done -> new Acknowledge(clientId, epoch, row.seq(), row.seq(), done));
            }
            switch (random.nextInt(4)) {
                case 0 -> submit(done -> new ForgetReceived(clientId, epoch, 1 + round % 9, done));
                case 1 ->
                    submit(done -> new Subscribe(
                            clientId,
                            epoch,
                            List.of(new StoredSubscription("r/" + round % 3, QoS.AT_LEAST_ONCE, false, false, 0, 0)),
                            List.of(Subscribe.NO_RETAINED),
                            done));
                case 2 -> {
                    var publishes = random.nextBoolean();
                    var expiry = random.nextInt(3) == 0 ? 0 : 60;
                    submit(done -> new CloseSession(clientId, epoch, expiry, 4, 0, publishes, done));
                }
                default -> {}
            }
        }

        private List<Copy> copies() {
            return random.ints(1 + random.nextInt(4), 0, CLIENTS)
                    .mapToObj(client -> Messages.copy(name(client), QoS.of(1 + random.nextInt(2))))
                    .toList();
        }

        private void submit(StoreRig.Writing write) {
            outcomes.add(rig.submit(write));
            written = outcomes.size();
        }

        void openAndBury() throws SQLException {
            for (int n = 0; !isDone; n++) {
                for (var before = written; written < before + WRITES_BETWEEN_OPENS && !isDone; )
                    LockSupport.parkNanos(1_000_000);
                open(random.nextInt(CLIENTS), random.nextInt(8) == 0);
                if (n % 20 == 0) rig.reclaim(node);
            }
        }

        void sweep() throws SQLException {
            while (!isDone) {
                rig.sweep.sweepEnded();
                rig.sweep.sweepQueued();
                rig.sweep.sweepRetained();
                rig.expiry.sweep();
                rig.orphans.reap();
                var wills = rig.wills.claimDue(20, 1 << 20, Duration.ofSeconds(5)).stream()
                        .map(will -> will.id())
                        .toList();
                rig.wills.renew(wills, wills, Duration.ofSeconds(5));
                var delivered = rig.wills.claimDelivered(20, 1 << 20, Duration.ofSeconds(5)).stream()
                        .map(will -> will.id())
                        .toList();
                rig.wills.giveBack(delivered, delivered, List.of());
                rig.wills.published(delivered);
            }
        }

        @Override
        public void close() {
            rig.close();
        }
    }
}
