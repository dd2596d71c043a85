package dev.sluice.store.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.topic.NameIndex.Place;
import dev.sluice.topic.TopicFilter;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A million retained messages: what the start, their topics in memory, and subscriptions cost. */
@Tag("bench")
class RetainedThroughputTest {
    private static final int TOPICS = 1_000_000;
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Test
    void aMillionTopics() {
        SERVER.empty();
        SERVER.execute(
                "INSERT INTO retained (topic, qos, payload) SELECT 'fleet/device-' || lpad(n::text, 7, '0') || '/state', 1,"
                        + " convert_to(repeat('x', 100), 'UTF8') FROM generate_series(1, " + TOPICS
                        + ") AS n; ANALYZE retained");
        try (var rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE)) {
            var before = heap();
            var load = millis(() -> rig.retainedTopics.load(() -> false));
            var bytes = (heap() - before) / TOPICS;
            assertThat(rig.retainedTopics.size()).isEqualTo(TOPICS);
            System.out.printf(
                    Locale.ROOT, "retained: %,d topics loaded in %,.0f ms, %d bytes each%n", TOPICS, load, bytes);
            for (var filter : new String[] {"fleet/device-0500000/state", "fleet/+/none", "+/x", "fleet/+/state", "#"})
                report(rig, filter);
        }
    }

    /** Pages as a transfer takes them, of 256 topics. */
    private static void report(StoreRig rig, String filter) {
        var start = System.nanoTime();
        var first = -1.0;
        var pages = new double[TOPICS];
        var count = 0;
        var messages = 0;
        var place = Place.START;
        while (place != null && messages < 100_000) {
            var begin = System.nanoTime();
            var found = rig.retainedTopics.find(TopicFilter.of(filter), place, 256, 4096);
            place = found.next();
            if (!found.names().isEmpty()) {
                var now = rig.retainedTopics.stamp();
                messages += rig.retained
                        .read(new RetainedReader.Asked(
                                found.names(), Long.MIN_VALUE, now, now, QoS.EXACTLY_ONCE, 1 << 20))
                        .messages()
                        .size();
                if (first < 0) first = (System.nanoTime() - start) / 1e6;
            }
            pages[count++] = (System.nanoTime() - begin) / 1e6;
        }
        var all = (System.nanoTime() - start) / 1e6;
        Arrays.sort(pages, 0, count);
        System.out.printf(
                Locale.ROOT,
                "retained: %s: %,d messages in %,.1f ms, the first after %.1f ms; %d pages, p99 %.1f ms%n",
                filter,
                messages,
                all,
                first,
                count,
                pages[count * 99 / 100]);
    }

    private static double millis(Runnable work) {
        var start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e6;
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
