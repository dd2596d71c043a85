package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.Peer;
import dev.sluice.cluster.node.Lease;
import dev.sluice.codec.InputBounds;
import dev.sluice.config.MqttConfig;
import dev.sluice.session.Limits;
import dev.sluice.session.QueueMemory;
import dev.sluice.session.QueuePolicy;
import dev.sluice.support.NodeSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LoopTest {
    private final ArrayDeque<Runnable> scheduled = new ArrayDeque<>();
    private final ArrayDeque<Runnable> submitted = new ArrayDeque<>();
    private Runnable clock;

    private final ScheduledExecutorService thread = (ScheduledExecutorService) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {ScheduledExecutorService.class}, (_, method, arguments) -> {
                var task = (Runnable) arguments[0];
                switch (method.getName()) {
                    case "schedule" -> scheduled.add(task);
                    case "execute" -> submitted.add(task);
                    case "scheduleAtFixedRate" -> clock = task;
                    default -> throw new AssertionError(method);
                }
                return null;
            });

    private final Loop loop = new Loop(thread);

    /** None stands for a connection that fails whatever it is asked: it has no field that could be used. */
    @Test
    void whatEndsARetryDoesNotEndAllLaterOnes() {
        loop.paused(null);
        scheduled.remove().run();
        assertThat(scheduled).as("the next retry").hasSize(1);
    }

    @Test
    void allThatWaitForTheJournalShareOneTimerAndABoundedRound() {
        var attempts = new AtomicInteger();
        var done = new AtomicInteger();
        var hasRoom = new AtomicBoolean();
        var count = 10_000;
        for (int i = 0; i < count; i++) {
            loop.laneRetries().add(() -> {
                attempts.incrementAndGet();
                if (hasRoom.get()) done.incrementAndGet();
                return hasRoom.get();
            });
        }
        for (int round = 1; round <= 10; round++) {
            assertThat(scheduled).hasSize(1);
            scheduled.remove().run();
            submitted.remove().run();
            assertThat(attempts).hasValueLessThanOrEqualTo(round * 256);
        }
        hasRoom.set(true);
        scheduled.remove().run();
        submitted.remove().run();
        assertThat(done).hasValue(count);
        assertThat(scheduled).isEmpty();
    }

    @Test
    void whereOneLaneStaysFullThoseOfOthersGoOn() {
        var done = new AtomicInteger();
        for (int i = 0; i < 1000; i++) loop.laneRetries().add(() -> false);
        for (int i = 0; i < 1000; i++) loop.laneRetries().add(() -> done.incrementAndGet() > 0);
        for (int round = 0; round < 10 && done.get() < 1000; round++) {
            scheduled.remove().run();
            submitted.remove().run();
        }
        assertThat(done).hasValue(1000);
    }

    @Test
    void anErrorEndsNeitherTheTurnNorTheNextOne() {
        var done = new ArrayList<String>();
        loop.execute(() -> {
            throw new OutOfMemoryError("Direct buffer memory");
        });
        loop.execute(() -> done.add("the same turn"));
        submitted.remove().run();
        loop.execute(() -> done.add("the next turn"));
        submitted.remove().run();
        assertThat(done).isEqualTo(List.of("the same turn", "the next turn"));
    }

    /** A socket of a connection, which counts what it is asked. */
    private static final class Socket {
        private final boolean fails;
        private int looks;
        private boolean closed;
        private boolean paused;

        Socket(boolean fails) {
            this.fails = fails;
        }

        private Transport transport() {
            return stub(Transport.class, method -> {
                switch (method.getName()) {
                    case "taken" -> looks++;
                    case "close" -> closed = true;
                    case "pause" -> paused = true;
                    default -> {}
                }
                if (fails && method.getName().equals("taken")) throw new OutOfMemoryError("Direct buffer memory");
            });
        }
    }

    private static <T> T stub(Class<T> type, Consumer<Method> seen) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, _) -> {
            seen.accept(method);
            var result = method.getReturnType();
            if (result == int.class) return 1000;
            if (result == long.class) return method.getName().equals("acceptedAt") ? System.nanoTime() : 0L;
            if (result == boolean.class) return false;
            return result == Duration.class ? Duration.ofHours(1) : null;
        }));
    }

    private void connect(Socket socket) {
        loop.add(connection(socket, Duration.ofHours(1), true));
    }

    /** @param lease so long it may read from now on */
    private Connection connection(Socket socket, Duration lease, boolean serves) {
        var limits = new Limits(
                1, 1, 0, 1024, 60, 60, 256, null, 1, 1, 1, QueuePolicy.DROP_NEWEST, 1, true, InputBounds.NONE);
        var memory = new QueueMemory(1);
        var meters = new BrokerMeters(new SimpleMeterRegistry());
        var config = stub(MqttConfig.class, _ -> {});
        var parts = new ConnectionParts(
                config,
                limits,
                memory,
                memory,
                1,
                new PartialPackets(1024, 1024),
                Duration.ofHours(1),
                null,
                new Departures(NodeSettings.of("node-1"), new SimpleMeterRegistry()),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                new Lease(NodeSettings.of("node", "lease", lease.toString())),
                () -> serves,
                null,
                meters);
        var peer = new Peer("127.0.0.1", "127.0.0.1:1", false, List.of(), null, "/mqtt");
        return new Connection(null, parts, null, loop, socket.transport(), peer);
    }

    private void aSecond() {
        for (int i = 0; i < 20; i++) clock.run();
    }

    @Test
    void anErrorEndsOneConnectionAndNotTheClock() {
        var failing = new Socket(true);
        var others = Stream.generate(() -> new Socket(false)).limit(30).toList();
        others.subList(0, 15).forEach(this::connect);
        connect(failing);
        others.subList(15, 30).forEach(this::connect);
        aSecond();
        aSecond();
        assertThat(others).allMatch(socket -> socket.looks == 2).noneMatch(socket -> socket.closed);
        assertThat(failing.closed).isTrue();
    }

    /** What has come is no packet to begin with: whoever reads it closes the socket. */
    @Test
    void nothingIsReadOnceTheLeaseOfTheGatewayIsOverOrBeforeItKnowsWhoIsSubscribed() {
        byte[] ping = {(byte) 0xC0, 0};
        var read = new Socket(false);
        connection(read, Duration.ofHours(1), true).received(ByteBuffer.wrap(ping));
        assertThat(read.closed).isTrue();

        var unread = List.of(new Socket(false), new Socket(false));
        connection(unread.get(0), Duration.ZERO, true).received(ByteBuffer.wrap(ping));
        connection(unread.get(1), Duration.ofHours(1), false).received(ByteBuffer.wrap(ping));
        assertThat(unread).allMatch(socket -> socket.paused && !socket.closed);
        assertThat(scheduled).as("another try").isNotEmpty();
    }

    /** Sockets are read in between. */
    @Test
    void theClockLooksAtASliceOfTheConnectionsAtATime() {
        var sockets = Stream.generate(() -> new Socket(false)).limit(2000).toList();
        sockets.forEach(this::connect);
        clock.run();
        assertThat(sockets.stream().filter(socket -> socket.looks == 1).count()).isBetween(1L, 400L);
    }
}
