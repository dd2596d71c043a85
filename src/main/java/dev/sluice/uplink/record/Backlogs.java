package dev.sluice.uplink.record;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * The backlogs of all Kafka topics that some connection has records for, each shared by all connections. Any thread. Devices may make
 * the names: a backlog is forgotten with the last connection or record that knows it.
 */
public final class Backlogs {
    private final Function<String, Backlog> maker;
    private final Map<String, Known> known = new ConcurrentHashMap<>();
    private final ReferenceQueue<Backlog> unused = new ReferenceQueue<>();

    private static final class Known extends WeakReference<Backlog> {
        private final String kafkaTopic;

        Known(String kafkaTopic, Backlog backlog, ReferenceQueue<Backlog> unused) {
            super(backlog, unused);
            this.kafkaTopic = kafkaTopic;
        }
    }

    /** @param maker makes the backlog of a Kafka topic that nothing waits for */
    public Backlogs(Function<String, Backlog> maker) {
        this.maker = maker;
    }

    public Backlog of(String kafkaTopic) {
        forgetUnused();
        while (true) {
            var reference = known.get(kafkaTopic);
            var backlog = reference == null ? null : reference.get();
            if (backlog != null) return backlog;
            if (reference != null) known.remove(kafkaTopic, reference);
            var made = maker.apply(kafkaTopic);
            if (known.putIfAbsent(kafkaTopic, new Known(kafkaTopic, made, unused)) == null) return made;
        }
    }

    private void forgetUnused() {
        for (var next = unused.poll(); next != null; next = unused.poll())
            known.remove(((Known) next).kafkaTopic, next);
    }

    public void forEach(BiConsumer<String, Backlog> action) {
        known.forEach((kafkaTopic, reference) -> {
            var backlog = reference.get();
            if (backlog != null) action.accept(kafkaTopic, backlog);
        });
    }

    int size() {
        forgetUnused();
        return known.size();
    }
}
