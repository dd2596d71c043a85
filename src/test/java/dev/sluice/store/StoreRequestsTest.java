package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.config.StoreConfig;
import dev.sluice.store.credential.CredentialReader;
import dev.sluice.store.delivery.BoundedMessages;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedBounds;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.route.RouteStore;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.topic.TopicFilter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class StoreRequestsTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    /** As many clients read as may, and as many more wait as may. */
    @Test
    void whatTheGatewayHasToDoDoesNotWaitBehindClients() {
        SERVER.empty();
        var release = new CountDownLatch(1);
        try (var rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            rig.open("c", false, 60);
            var meters = new SimpleMeterRegistry();
            var requests = new StoreRequests(rig.pool, patient(), rig.health, meters);
            var queues = new QueueReader(requests, new BoundedMessages(StoreRig.BOUNDS, meters));
            var spool = new SpoolStore(requests, StoreRig.NODE);
            var waiting = meters.get("sluice.store.reads.waiting").gauge();
            var reading = new CountDownLatch(4);
            for (int n = 0; n < 4; n++) readSlowly(requests, reading, release);
            await().until(() -> reading.getCount() == 0);
            for (int n = 0; n < 100; n++) readSlowly(requests, reading, release);
            await().until(() -> waiting.value() == 100);

            assertThatThrownBy(() -> queues.page("c", 0, 10, 1000))
                    .isInstanceOf(StoreUnavailable.class)
                    .hasMessageContaining("100 others wait for their turn");
            assertThat(meters.get("sluice.store.reads.refused").counter().count())
                    .isEqualTo(1);
            assertThat(spool.lease(Set.of()).rows()).isZero();
            assertThat(spool.isEmpty(0, Set.of())).isTrue();
            assertThat(new RouteStore(requests).read()).isNotNull();
            assertThat(queues.lastSeqs(List.of(1L))).isEmpty();
            assertThat(new SubscriptionReader(requests).of(List.of())).isEmpty();
            assertThat(new CredentialReader(requests).find("nobody")).isEmpty();

            release.countDown();
            await().until(() -> waiting.value() == 0);
            assertThat(queues.page("c", 0, 10, 1000).rows()).isEmpty();
        }
    }

    /** Anybody may send a CONNECT with a user name. */
    @Test
    void clientsDoNotWaitBehindStrangers() throws Exception {
        SERVER.empty();
        try (var rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            rig.open("c", false, 60);
            var meters = new SimpleMeterRegistry();
            var requests = new StoreRequests(rig.pool, patient(), rig.health, meters);
            var queues = new QueueReader(requests, new BoundedMessages(StoreRig.BOUNDS, meters));
            var credentials = new CredentialReader(requests);
            try (var locking = SERVER.dataSource().getConnection();
                    var statement = locking.createStatement()) {
                locking.setAutoCommit(false);
                statement.execute("LOCK TABLE credential IN ACCESS EXCLUSIVE MODE");
                var strangers = IntStream.range(0, 50)
                        .mapToObj(n -> Thread.startVirtualThread(() -> credentials.find("stranger-" + n)))
                        .toList();
                await().until(() -> SERVER.value("SELECT count(*) FROM pg_locks WHERE NOT granted")
                        .equals("4"));
                assertThat(queues.page("c", 0, 10, 1000).rows()).isEmpty();
                assertThat(strangers).allMatch(Thread::isAlive);
                locking.rollback();
                for (var stranger : strangers) stranger.join();
            }
        }
    }

    /** Each by a filter that begins with a wildcard, so that all names are read. */
    @Test
    void queuesDoNotWaitBehindThoseWhoLookForRetainedMessages() throws Exception {
        SERVER.empty();
        try (var rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            rig.open("c", false, 60);
            var meters = new SimpleMeterRegistry();
            var requests = new StoreRequests(rig.pool, patient(), rig.health, meters);
            var queues = new QueueReader(requests, new BoundedMessages(StoreRig.BOUNDS, meters));
            var topics = new RetainedTopics(requests, rig.clock, RetainedBounds.NONE, meters);
            var waiting = meters.get("sluice.store.reads.waiting").gauge();
            try (var locking = SERVER.dataSource().getConnection();
                    var statement = locking.createStatement()) {
                locking.setAutoCommit(false);
                statement.execute("LOCK TABLE retained IN ACCESS EXCLUSIVE MODE");
                var scans = IntStream.range(0, 50)
                        .mapToObj(n -> TopicFilter.of("+/" + n))
                        .map(filter -> Thread.startVirtualThread(() -> topics.learn(filter, () -> false)))
                        .toList();
                var turns = "" + StoreRig.Settings.ONE_LANE.retainedConcurrency();
                await().untilAsserted(() -> assertThat(SERVER.value("SELECT count(*) FROM pg_locks WHERE NOT granted"))
                        .isEqualTo(turns));
                assertThat(waiting.value()).isZero();
                assertThat(queues.page("c", 0, 10, 1000).rows()).isEmpty();
                assertThat(scans).allMatch(Thread::isAlive);
                locking.rollback();
                for (var scan : scans) scan.join();
            }
        }
    }

    /** As after a failover in the middle of what it reads. */
    @Test
    void theStartAsksUntilThereIsAnAnswer() {
        SERVER.empty();
        try (var rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            var asked = new AtomicInteger();
            var answer = rig.requests.routing().callAtStart("reading", _ -> {
                if (asked.incrementAndGet() < 3) throw new SQLException("canceled", "57014");
                return "all";
            });
            assertThat(answer).isEqualTo("all");
            assertThat(asked).hasValue(3);
        }
    }

    private static void readSlowly(StoreRequests requests, CountDownLatch reading, CountDownLatch release) {
        Thread.startVirtualThread(() -> requests.call("reading slowly", _ -> hold(reading, release)));
    }

    private static boolean hold(CountDownLatch reading, CountDownLatch release) {
        reading.countDown();
        try {
            return release.await(60, TimeUnit.SECONDS);
        } catch (InterruptedException late) {
            throw new StoreUnavailable("interrupted", late);
        }
    }

    /** With a time for reads that does not pass while a test looks at something. */
    private static StoreConfig patient() {
        return (StoreConfig) Proxy.newProxyInstance(
                StoreConfig.class.getClassLoader(),
                new Class<?>[] {StoreConfig.class},
                (_, method, arguments) -> method.getName().equals("readTimeout")
                        ? Duration.ofSeconds(60)
                        : method.invoke(StoreRig.Settings.ONE_LANE, arguments));
    }
}
