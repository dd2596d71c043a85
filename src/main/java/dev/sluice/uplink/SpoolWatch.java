package dev.sluice.uplink;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.spool.Spool;
import dev.sluice.uplink.spool.SpoolStripe;
import dev.sluice.uplink.spool.StripeDrain;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Decides when an outage begins and ends, keeps what this gateway holds of the spool, and starts a {@link StripeDrain} for each stripe: one
 * virtual thread watches.
 */
@ApplicationScoped
class SpoolWatch {
    private static final Logger LOG = Logger.getLogger(SpoolWatch.class);

    private static final Duration TURN = Duration.ofMillis(20);
    private static final Duration IDLE_TURN = Duration.ofMillis(100);
    private static final Duration BUSY_REFRESH = Duration.ofMillis(500);
    private static final Duration IDLE_REFRESH = Duration.ofSeconds(1);
    /** Rows of other gateways that are not drained by then: they have more than they just spooled. */
    private static final double BACKLOG_SECONDS = 2;

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);
    private static final int PLACES = 1000;

    private final Duration grace;
    private final Spool spool;
    private final SpoolStore store;
    private final UplinkProducer producer;
    private final KafkaHealth kafka;
    private final ProducerWatch standstills;
    private final StripeDrain.Shared shared;
    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private final Repeating watch = Repeating.onVirtualThread("sluice-spool-watch");
    /** One for each stripe, at work while its records go to the spool: as many threads that wait would cost more than a client. */
    private final Map<StripeDrain, Repeating> drains = new LinkedHashMap<>();

    private long awaySince;
    private long refreshAt = System.nanoTime();
    /** Whether stripes are leased that are to be let go once they are drained, however soon that is. */
    private boolean holding;

    private boolean spooling;

    SpoolWatch(
            UplinkConfig config,
            Spool spool,
            SpoolStore store,
            Uplink uplink,
            UplinkProducer producer,
            KafkaHealth kafka,
            ProducerWatch standstills,
            MeterRegistry meters) {
        this.grace = config.outageGrace();
        this.spool = spool;
        this.store = store;
        this.producer = producer;
        this.kafka = kafka;
        this.standstills = standstills;
        this.shared = new StripeDrain.Shared(
                spool,
                store,
                producer,
                config.deadLetterTopic(),
                () -> uplink.deadLettered(Failure.Kind.REJECTED_BY_KAFKA),
                meters);
    }

    void start(@Observes @Priority(StartOrder.KAFKA_READERS) StartupEvent event) {
        for (var stripe : spool.stripes()) {
            var name = "sluice-spool-stripe-" + stripe.number();
            drains.put(new StripeDrain(stripe, shared), Repeating.onVirtualThread(name));
        }
        watch.start(() -> {
            turn();
            return spool.isSpooling() || spool.hasGatedClients() ? TURN : IDLE_TURN;
        });
    }

    private void startDrains() {
        drains.forEach((drain, thread) -> {
            if (drain.hasWork() && thread.isDone()) thread.start(drain);
        });
    }

    /** Gives the drains a moment for the records that they have in hand, so that the next gateway does not send them again. */
    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        watch.stop();
        drains.values().forEach(Repeating::stop);
        joinDrains();
    }

    private void joinDrains() {
        var deadline = System.nanoTime() + STOP_TIMEOUT.toNanos();
        for (var drain : drains.values()) drain.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
    }

    /** What Kafka answers before the producer has ended is written down, and the next gateway finds free what is left. */
    void settle(@Observes @Priority(StartOrder.STOP_SPOOL) ShutdownEvent event) {
        producer.stop();
        joinDrains();
        shared.abandon();
        watch.join(STOP_TIMEOUT);
        try {
            writeDown();
            store.release();
        } catch (StoreUnavailable away) {
            var left = spool.toDelete().size();
            if (left > 0)
                LOG.warnf(
                        "%d records of the spool will be sent again, though Kafka has them: %s",
                        left, away.getMessage());
        }
    }

    private void turn() {
        try {
            spool.retryWaiting(System.nanoTime());
            startDrains();
            decideOutage();
            decideTopics();
            spool.tellClients(System.nanoTime());
            if (System.nanoTime() - refreshAt >= 0) refresh();
            writeDown();
        } catch (StoreUnavailable away) {
            LOG.debugf("the spool waits: %s", away.getMessage());
        } catch (RuntimeException bug) { // here, so that the next turn, which does the rest, is not put off
            complaints.error("watching the spool failed, and is tried again: " + bug);
            LOG.debug("watching the spool failed", bug);
        }
    }

    private void decideOutage() {
        var now = System.nanoTime();
        var answers = kafka.isAvailable();
        if (spool.isAway()) {
            var answered = answers || spool.kafkaAnsweredAt() - awaySince > 0;
            if (answered && !producer.isGoneFor(Duration.ZERO)) end();
        } else if (spool.isConfigured() && (isSilent(now) || producer.isGoneFor(grace))) {
            begin();
        }
        shared.kafkaAnswers(answers && !spool.isAway());
    }

    private boolean isSilent(long now) {
        return kafka.isSilent() && now - spool.kafkaAnsweredAt() > grace.toNanos();
    }

    /** Kafka answers, and has acknowledged nothing for some topics for so long: to those who publish there, that is an outage. */
    private void decideTopics() {
        if (!spool.isConfigured()) return;
        var away = standstills.stillTopics();
        if (away.equals(spool.topicsAway())) return;
        var begins = !spool.topicsAway().containsAll(away);
        if (begins) store.lease(wanted()); // as for the outage of all topics
        spool.setTopicsAway(away);
        if (!begins) return;
        LOG.warnf(
                "Kafka has acknowledged nothing for %s: records for these Kafka topics go to the spool in PostgreSQL: %s",
                grace, String.join(", ", new TreeSet<>(away)));
        refresh();
    }

    /** Not without PostgreSQL: another gateway must not take what this one holds for a dead one's. */
    private void begin() {
        store.lease(wanted());
        awaySince = System.nanoTime();
        spool.beginOutage();
        LOG.warnf("Kafka has not answered for %s: records go to the spool in PostgreSQL", grace);
        refresh();
    }

    private void end() {
        spool.endOutage();
        LOG.infof("Kafka answers: it gets %d records from the spool", spool.rows());
    }

    /** None in an outage: other gateways, whose Kafka may be there, are to drain what this one spools. */
    private Set<Integer> wanted() {
        return spool.stripes().stream()
                .filter(stripe -> spool.isAway() ? !stripe.letGo() : stripe.hasWork())
                .map(SpoolStripe::number)
                .collect(Collectors.toSet());
    }

    private void refresh() {
        refreshAt = System.nanoTime() + IDLE_REFRESH.toNanos();
        var rows = spool.addedRows();
        var bytes = spool.addedBytes();
        var wanted = wanted();
        var holds = holding || spool.isAway() || !spool.topicsAway().isEmpty() || !wanted.isEmpty() || !spool.isEmpty();
        var askedAt = System.nanoTime();
        var state = holds ? store.lease(wanted) : store.state();
        holding = holds && !wanted.isEmpty();
        spool.noteState(state, rows, bytes);
        if (holds) refreshAt = System.nanoTime() + BUSY_REFRESH.toNanos();
        for (var seen : state.stripes()) {
            var stripe = spool.stripes().get(seen.number());
            stripe.seen(seen, askedAt);
            var isBacklog = seen.freeAgeSeconds() > BACKLOG_SECONDS && !seen.heldElsewhere();
            if (stripe.isDirect() && isBacklog) spool.spool(stripe.number());
        }
        var before = spooling;
        spooling = spool.isSpooling();
        if (before && !spooling) LOG.info("the spool is drained: records go to Kafka again");
    }

    /** Writes down Kafka's answers to the records that the producer had when the outage began. */
    private void writeDown() {
        inBatches(spool.toUnlease(), store::unlease);
        inBatches(spool.toDelete(), store::remove);
    }

    private static void inBatches(Queue<Place> places, Consumer<List<Place>> write) {
        while (!places.isEmpty()) {
            var batch = places.stream().limit(PLACES).toList();
            write.accept(batch);
            batch.forEach(_ -> places.remove());
        }
    }
}
