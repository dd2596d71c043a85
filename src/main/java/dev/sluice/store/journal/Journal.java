package dev.sluice.store.journal;

import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.NodeRun;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.delivery.Orphans;
import dev.sluice.store.delivery.RetainedTopics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/** Owns the lanes that carry durable writes to PostgreSQL; any thread may submit. Writes of one client stay in order. */
@Singleton
public class Journal {
    private static final Logger LOG = Logger.getLogger(Journal.class);

    private final List<JournalLane> lanes;
    private final StoreConfig config;
    private final RetainedTopics retained;
    private final NodeRun run;
    private volatile boolean accepting = true;
    private volatile Consumer<List<QueuedElsewhere>> elsewhere = _ -> {};

    public Journal(
            DataSource dataSource,
            StoreConfig config,
            NodeConfig node,
            NodeRun run,
            StoreHealth health,
            Orphans orphans,
            RetainedTopics retained,
            MeterRegistry registry) {
        this.config = config;
        this.run = run;
        this.retained = retained;
        var meters = new JournalMeters(registry);
        this.lanes = IntStream.range(0, config.lanes())
                .mapToObj(n -> JournalLane.start(
                        n,
                        dataSource,
                        config,
                        node.id(),
                        health,
                        meters,
                        orphans,
                        retained,
                        queued -> elsewhere.accept(queued)))
                .toList();
        Gauge.builder("sluice.journal.queued", lanes, Journal::queued)
                .description("writes that wait for a lane")
                .strongReference(true)
                .register(registry);
    }

    /** @param told takes, after each commit, which queues of sessions connected to other gateways have got something; must not block */
    public void onQueuedElsewhere(Consumer<List<QueuedElsewhere>> told) {
        elsewhere = told;
    }

    /**
     * Never blocks; false when the lane is full, in number or in bytes (stop reading the socket and try again) or the gateway is stopping. Of a write that was
     * taken, the completion runs exactly once on the lane's thread, unless the gateway stops before PostgreSQL answers.
     */
    public boolean submit(JournalWrite write) {
        if (!accepting) return false;
        var lane = lane(write.clientId());
        return write instanceof JournalWrite.Accept accept && accept.retain() && accept.stamp() == 0
                ? retain(lane, accept)
                : lane.offer(write);
    }

    private boolean retain(JournalLane lane, JournalWrite.Accept accept) {
        var stamp = retained.announce(accept.message());
        if (lane.offer(accept.stamped(stamp))) return true;
        retained.settled(accept.message(), stamp, false);
        return false;
    }

    /** The run of this gateway, in whose name writes are {@link JournalWrite#since begun} now. */
    public long run() {
        return run.number();
    }

    /** Whether it would take a write of this client now, as far as is known: for those to whom making one is work. */
    public boolean hasRoom(String clientId) {
        return accepting && lane(clientId).hasRoom();
    }

    /** Names the lanes whose threads have ended although the gateway is not stopping: their clients wait for ever. */
    public List<String> deadLanes() {
        if (!accepting) return List.of();
        return lanes.stream()
                .filter(lane -> !lane.isAlive())
                .map(JournalLane::toString)
                .toList();
    }

    private JournalLane lane(String clientId) {
        var hash = clientId.hashCode();
        return lanes.get(Math.floorMod(hash ^ hash >>> 16, lanes.size()));
    }

    /** Late, so that what connections write while they are drained is still committed. */
    public void stop(@Observes @Priority(StartOrder.STOP_JOURNAL) ShutdownEvent event) {
        stop();
    }

    public void stop() {
        accepting = false;
        var deadline = System.nanoTime() + config.stopTimeout().toNanos();
        try {
            for (var lane : lanes) lane.finish(deadline - System.nanoTime());
            for (var lane : lanes) {
                var left = lane.stop(deadline - System.nanoTime());
                if (left > 0) LOG.warnf("%s stopped with %d writes that PostgreSQL has not confirmed", lane, left);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static double queued(List<JournalLane> lanes) {
        return lanes.stream().mapToInt(JournalLane::queued).sum();
    }
}
