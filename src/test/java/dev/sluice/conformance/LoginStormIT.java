package dev.sluice.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Scheme;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Gateway;
import dev.sluice.support.PasswordKeys;
import dev.sluice.support.WireClient;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A fleet with Argon2id passwords, at the default cost, comes back at once; with {@code -Dstorm.clients=5000} it is a large one. */
class LoginStormIT {
    private static final int CLIENTS = Integer.getInteger("storm.clients", 30);
    /** In the suite, the machine has other tests to run, and times say nothing. */
    private static final boolean ALONE = CLIENTS >= 1000;

    private static final int NEIGHBOURS = ALONE ? 50 : 10;
    private static final String PASSWORD = "correct horse";
    /** Before a client that was refused comes again, on average. */
    private static final long BACK_OFF = 1_000_000_000;

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        Gateway.shared().databaseOfItsOwn(),
                        "-Dsluice.access.methods=password,anonymous",
                        "-Dsluice.access.password.cache-time=1h", // the large storm takes longer than the default
                        "-XX:TieredStopAtLevel=4"); // hashing takes a tenth of the time
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    /** One hash for all of them, as the gateway has to compute it for each all the same. */
    private static void importAll() {
        var recipe = new Recipe(PasswordKeys.config(Map.of("argon2-memory-kib", "19456", "argon2-iterations", "2")));
        var hash = recipe.hash(Scheme.ARGON2ID, PASSWORD.getBytes(UTF_8)).text();
        var lines = new StringBuilder("username,hash\n");
        for (int i = 0; i < CLIENTS; i++)
            lines.append("device-").append(i).append(",\"").append(hash).append("\"\n");
        var answer = new Admin(port, "X-Sluice-Actor", "ann").csv("/admin/credentials", lines.toString());
        assertThat(answer.body().path("imported").asInt())
                .as(answer.body().toString())
                .isEqualTo(CLIENTS);
    }

    /**
     * @param took until the last client was in
     * @param p99 of those who had stayed connected, meanwhile
     * @param refusals after each of which a client has waited for a second
     * @param hashes that the gateway has computed
     */
    private record Storm(Duration took, Duration p99, int refusals, double hashes) {
        String report(String name) {
            return String.format(
                    Locale.ROOT,
                    "storm of %d, %s: all in after %d ms (%.0f a second), %d refusals, %.0f hashes, p99 of the others %.1f ms",
                    CLIENTS,
                    name,
                    took.toMillis(),
                    CLIENTS * 1e9 / took.toNanos(),
                    refusals,
                    hashes,
                    p99.toNanos() / 1e6);
        }
    }

    @Test
    void allAreInAndThoseWhoStayedDoNotNotice() throws Exception {
        importAll();
        try (var others = Neighbours.start(NEIGHBOURS, () -> connect("neighbour", null))) {
            var usual = ALONE ? others.p99() : Duration.ZERO;
            var anonymous = storm(others, false);
            System.out.println(anonymous.report("anonymous"));
            var first = storm(others, true);
            System.out.println(first.report("with passwords"));
            var second = storm(others, true);
            System.out.println(second.report("with passwords that were verified before"));
            // A client that has not waited for its hash, and comes again, costs another one.
            assertThat(first.hashes).isBetween((double) CLIENTS, CLIENTS * 1.01);
            assertThat(second.hashes).isZero();
            if (!ALONE) return;
            var again = others.p99();
            usual = usual.compareTo(again) > 0 ? usual : again;
            System.out.printf(Locale.ROOT, "p99 without a storm %.1f ms%n", usual.toNanos() / 1e6);
            assertThat(first.p99).isLessThan(usual.multipliedBy(3));
            assertThat(second.took)
                    .isLessThan(anonymous.took.multipliedBy(3).dividedBy(2).plusMillis(500));
        }
    }

    private static Storm storm(Neighbours others, boolean named) throws Exception {
        var before = hashes();
        var refusals = new AtomicInteger();
        var missing = new AtomicInteger(CLIENTS);
        var clients = new ArrayList<WireClient>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var begun = System.nanoTime();
            var all = threads.submit(() -> {
                for (var client : threads.invokeAll(devices(named, missing, refusals))) clients.add(client.get());
                return Duration.ofNanos(System.nanoTime() - begun);
            });
            var p99 = others.p99While(() -> missing.get() > 0);
            return new Storm(all.get(), p99, refusals.get(), hashes() - before);
        } finally {
            clients.forEach(WireClient::close);
        }
    }

    private static List<Callable<WireClient>> devices(boolean named, AtomicInteger missing, AtomicInteger refusals) {
        return IntStream.range(0, CLIENTS)
                .<Callable<WireClient>>mapToObj(i -> () -> {
                    while (true) {
                        try {
                            var client = connect("device-" + i, named ? "device-" + i : null);
                            missing.decrementAndGet();
                            return client;
                        } catch (AssertionError | UncheckedIOException refused) {
                            refusals.incrementAndGet();
                            LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(2 * BACK_OFF));
                        }
                    }
                })
                .toList();
    }

    private static WireClient connect(String clientId, String username) {
        var client = WireClient.open(port, ProtocolVersion.V5).patience(Duration.ofMinutes(3));
        var id = username == null ? Device.id(clientId) : clientId;
        var password = username == null ? null : PASSWORD.getBytes(UTF_8);
        try {
            Device.connected(
                    client,
                    new Packet.Connect(ProtocolVersion.V5, true, 600, id, null, username, password, Properties.NONE));
            return client;
        } catch (AssertionError | UncheckedIOException refused) {
            client.close();
            throw refused;
        }
    }

    private static double hashes() {
        return Gateway.metric(port, "sluice_access_hashing_time_seconds_count");
    }
}
