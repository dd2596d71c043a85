package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** The publishers of one test; used by the test's thread. */
final class Fleet implements AutoCloseable, Iterable<Publisher> {
    private final List<Publisher> publishers = new ArrayList<>();
    private final int port;

    Fleet(int port) {
        this.port = port;
    }

    /** Adds publishers that alternate between MQTT 5 and 3.1.1, with persistent sessions at QoS 2. */
    void add(int count, QoS qos, Duration pace) {
        for (int i = 0; i < count; i++) {
            var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            add(new Publisher.Profile(
                    "qos" + qos.ordinal() + "-" + publishers.size(),
                    version,
                    qos,
                    qos == QoS.EXACTLY_ONCE,
                    16,
                    1,
                    pace,
                    128));
        }
    }

    void add(Publisher.Profile profile) {
        publishers.add(Publisher.start(port, profile));
    }

    List<Publisher> all() {
        return publishers;
    }

    List<Publisher> of(QoS qos) {
        return publishers.stream().filter(p -> p.profile().qos() == qos).toList();
    }

    @Override
    public Iterator<Publisher> iterator() {
        return publishers.iterator();
    }

    void awaitAll(Duration time, String what, Predicate<Publisher> condition) {
        await(what).atMost(time).pollInterval(Duration.ofMillis(20)).until(() -> publishers.stream()
                .allMatch(condition));
    }

    /** Waits until each has so many more acknowledgements than now. */
    void awaitProgress(Duration time, int acknowledgements, List<Publisher> some) {
        var before = some.stream().mapToInt(Publisher::acknowledgedCount).toArray();
        await("acknowledgements")
                .atMost(time)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(IntStream.range(0, before.length)
                                .filter(i -> some.get(i).acknowledgedCount() < before[i] + acknowledgements)
                                .mapToObj(i -> some.get(i).profile().clientId()))
                        .as("clients without them")
                        .isEmpty());
    }

    /** Lets the load run on. */
    static void runOn(Duration time) {
        var end = System.nanoTime() + time.toNanos();
        while (end - System.nanoTime() > 0) LockSupport.parkNanos(end - System.nanoTime());
    }

    /** Nothing new is published, everything under way is answered. */
    void quiet(Duration time) {
        publishers.forEach(Publisher::stop);
        awaitAll(time, "answers to everything published", Publisher::isQuiet);
    }

    @Override
    public void close() {
        publishers.forEach(Publisher::close);
    }
}
