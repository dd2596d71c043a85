package dev.sluice.conformance;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Honest clients, which publish five times a second at QoS 1 and are timed, while others do something else. Used by one thread. */
final class Neighbours implements AutoCloseable {
    private static final long LONGEST_PAUSE = 400_000_000;
    private static final int MESSAGES = 15;

    /** Of the platform: they do not stand behind the virtual threads of a storm. */
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().name("neighbour-", 0).factory());

    private final List<WireClient> clients;

    private Neighbours(List<WireClient> clients) {
        this.clients = clients;
    }

    /** So many clients that are online; everything is warm once they have published. */
    static Neighbours start(int count, Supplier<WireClient> online) throws Exception {
        var neighbours = new Neighbours(Stream.generate(online).limit(count).toList());
        neighbours.p99();
        return neighbours;
    }

    /** The p99 of the times until PUBACK, in three seconds. */
    Duration p99() throws Exception {
        return p99(client -> {
            var times = new ArrayList<Long>();
            for (int i = 1; i <= MESSAGES; i++) times.add(publish(client, i));
            return times;
        });
    }

    /** The same for as long as something goes on. */
    Duration p99While(BooleanSupplier goesOn) throws Exception {
        return p99(client -> {
            var times = new ArrayList<Long>();
            for (int i = 1; goesOn.getAsBoolean(); i++) times.add(publish(client, i % 1000 + 1));
            return times;
        });
    }

    private interface Behaviour {
        List<Long> times(WireClient client);
    }

    private Duration p99(Behaviour behaviour) throws Exception {
        var work = clients.stream()
                .<Callable<List<Long>>>map(client -> () -> behaviour.times(client))
                .toList();
        var times = new ArrayList<Long>();
        for (var each : threads.invokeAll(work)) times.addAll(each.get());
        times.sort(null);
        return Duration.ofNanos(times.get(times.size() * 99 / 100));
    }

    private static long publish(WireClient client, int packetId) {
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(LONGEST_PAUSE));
        var begun = System.nanoTime();
        client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, packetId, "talk/limits", "x"))
                .receive(Packet.PubAck.class);
        return System.nanoTime() - begun;
    }

    @Override
    public void close() {
        clients.forEach(WireClient::close);
        threads.close();
    }
}
