package dev.sluice.uplink;

import dev.sluice.clock.Repeating;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.spool.LaneDrain;
import dev.sluice.uplink.spool.Spool;
import dev.sluice.uplink.spool.SpoolLane;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Decides when an outage begins and ends, keeps what this gateway holds of the spool, and starts a {@link LaneDrain} for each lane: one
 * virtual thread watches.
 */
@ApplicationScoped
class SpoolWatch {
    private static final Logger LOG = Logger.getLogger(SpoolWatch.class);

    private static final Duration TURN = Duration.ofMillis(20);
    private static final Duration BUSY_LOOK = Duration.ofMillis(500);
    private static final Duration IDLE_LOOK = Duration.ofSeconds(1);
    /** Rows of other gateways that are not drained by then: they have more than they just spooled. */
    private static final double BACKLOG_SECONDS = 2;

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);
    private static final int PLACES = 1000;

    private final Duration grace;
    private final Spool spool;
    private final SpoolStore store;
    private final KafkaHealth kafka;
    private final LaneDrain.Shared shared;
    private final Repeating watch = Repeating.onVirtualThread("sluice-spool-watch");
    private final List<Repeating> drains = new ArrayList<>();

    private long awaySince;
    private long lookAt = System.nanoTime();
    /** Whether lanes are held that are to be let go once they are drained, however soon that is. */
    private boolean holding;

    private boolean spooling;

    SpoolWatch(
            UplinkConfig config,
            Spool spool,
            SpoolStore store,
            Uplink uplink,
            KafkaHealth kafka,
            MeterRegistry meters) {
        this.grace = config.outageGrace();
        this.spool = spool;
        this.store = store;
        this.kafka = kafka;
        this.shared = new LaneDrain.Shared(spool, store, uplink, meters);
    }

    /** Late, when the channel of the uplink is there and Kafka is asked. */
    void start(@Observes @Priority(3100) StartupEvent event) {
        if (!spool.isOn()) return;
        watch.every(TURN, this::turn);
        for (var lane : spool.lanes()) {
            var drain = Repeating.onVirtualThread("sluice-spool-lane-" + lane.number());
            drains.add(drain);
            drain.start(new LaneDrain(lane, shared));
        }
    }

    /** What the drain has in hand gets a moment, so that Kafka does not get it again from the next gateway. */
    void stop(@Observes ShutdownEvent event) {
        watch.stop();
        drains.forEach(Repeating::stop);
        var deadline = System.nanoTime() + STOP_TIMEOUT.toNanos();
        for (var drain : drains) drain.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
        shared.abandon();
    }

    private void turn() {
        try {
            spool.turn(System.nanoTime());
            judge();
            if (System.nanoTime() - lookAt >= 0) look();
            settle();
        } catch (StoreUnavailable away) {
            LOG.debugf("the spool waits: %s", away.getMessage());
        }
    }

    private void judge() {
        var now = System.nanoTime();
        var answers = kafka.state().available();
        if (spool.isAway()) {
            if (answers || spool.heardAt() - awaySince > 0) end();
        } else if (spool.isConfigured() && kafka.isSilent() && now - spool.heardAt() > grace.toNanos()) {
            begin();
        }
        shared.kafkaAnswers(answers && !spool.isAway());
    }

    /** Not without PostgreSQL: another gateway must not take what this one holds for a dead one's. */
    private void begin() {
        store.hold(wanted());
        awaySince = System.nanoTime();
        spool.begin();
        LOG.warnf("Kafka has not answered for %s: records go to the spool in PostgreSQL", grace);
        look();
    }

    private void end() {
        spool.end();
        LOG.infof("Kafka answers: it gets %d records from the spool", spool.rows());
    }

    /** None in an outage: other gateways, whose Kafka may be there, are to drain what this one spools. */
    private Set<Integer> wanted() {
        return spool.lanes().stream()
                .filter(lane -> spool.isAway() ? !lane.cede() : !lane.isDirect())
                .map(SpoolLane::number)
                .collect(Collectors.toSet());
    }

    private void look() {
        lookAt = System.nanoTime() + IDLE_LOOK.toNanos();
        var rows = spool.addedRows();
        var bytes = spool.addedBytes();
        var wanted = wanted();
        var holds = holding || spool.isAway() || !wanted.isEmpty() || !spool.isEmpty();
        var look = holds ? store.hold(wanted) : store.look();
        holding = holds && !wanted.isEmpty();
        spool.looked(look, rows, bytes);
        if (holds) lookAt = System.nanoTime() + BUSY_LOOK.toNanos();
        for (var seen : look.lanes()) {
            var lane = spool.lanes().get(seen.number());
            lane.seen(seen);
            if (lane.isDirect() && seen.freeAgeSeconds() > BACKLOG_SECONDS) lane.spool();
        }
        var before = spooling;
        spooling = spool.isSpooling();
        if (before && !spooling) LOG.info("the spool is drained: records go to Kafka again");
    }

    /** What the producer had when the outage began, and Kafka has answered since. */
    private void settle() {
        inBatches(spool.freed(), store::free);
        inBatches(spool.released(), store::remove);
    }

    private static void inBatches(Queue<Place> places, Consumer<List<Place>> write) {
        while (!places.isEmpty()) {
            var batch = places.stream().limit(PLACES).toList();
            write.accept(batch);
            batch.forEach(_ -> places.remove());
        }
    }
}
