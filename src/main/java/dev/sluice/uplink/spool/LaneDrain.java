package dev.sluice.uplink.spool;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.Uplink;
import dev.sluice.uplink.route.Failure;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Brings the rows of one lane to Kafka, in their order, and the lane back to where records go to Kafka at once. Runs on a virtual thread of
 * its own, so that a lane that waits for one topic holds up no other.
 */
public final class LaneDrain implements Repeating.Turn {
    private static final Logger LOG = Logger.getLogger(LaneDrain.class);

    /** What a gateway that is killed has sent and not struck off is sent again: a few of these. */
    private static final int ROWS = 500;

    private static final long BYTES = 2 << 20;
    private static final Duration IDLE = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofMillis(10);
    private static final Duration CLOSING_STEP = Duration.ofMillis(2);
    /** Clients of the lane wait while it is closing; what does not settle in that time goes on spooling. */
    private static final Duration CLOSING = Duration.ofSeconds(1);

    private static final Duration AFTER_CLOSING = Duration.ofSeconds(2);
    /** A topic or partition that is not there for so long, while Kafka answers, is not waited for. */
    private static final Duration MISSING = Duration.ofSeconds(10);

    private final SpoolLane lane;
    private final Shared shared;
    /** Where the producer finds nothing, since when. */
    private final Map<Destination, Long> missing = new HashMap<>();

    private long cursor;
    private long closedAt;
    private long closeAgainAt = System.nanoTime();

    /** @param partition null where the key chooses it */
    private record Destination(String kafkaTopic, Integer partition) {
        static Destination of(SpoolDelivery.Each each) {
            return new Destination(each.kafkaTopic(), each.partition());
        }
    }

    public LaneDrain(SpoolLane lane, Shared shared) {
        this.lane = lane;
        this.shared = shared;
    }

    /** What all lanes share; any thread. */
    public static final class Shared {
        private final Spool spool;
        private final SpoolStore store;
        private final Uplink uplink;
        private final Counter drained;
        private final Counter failed;
        /** PostgreSQL has others to answer, too. */
        private final Semaphore turns = new Semaphore(2);

        private final ThrottledLog burials = new ThrottledLog(LOG);
        private final ThrottledLog failures = new ThrottledLog(LOG);
        private volatile boolean abandoned;
        private volatile boolean answers;
        private volatile long answersSince;

        public Shared(Spool spool, SpoolStore store, Uplink uplink, MeterRegistry meters) {
            this.spool = spool;
            this.store = store;
            this.uplink = uplink;
            drained = Counter.builder("sluice.spool.drained")
                    .description("Records of the spool that Kafka has taken")
                    .register(meters);
            failed = Counter.builder("sluice.spool.failed")
                    .description(
                            "Records of the spool that stay there because Kafka takes neither them nor their dead letters")
                    .register(meters);
        }

        public void kafkaAnswers(boolean now) {
            if (now && !answers) answersSince = System.nanoTime();
            answers = now;
        }

        /** Waits for nothing more. */
        public void abandon() {
            abandoned = true;
        }

        void failed(String why) {
            failed.increment();
            failures.warn("Kafka takes neither a record of the spool nor its dead letter: " + why);
        }

        void buried(String why) {
            uplink.deadLettered(Failure.Kind.REJECTED_BY_KAFKA);
            burials.warn("a record of the spool is a dead letter, because Kafka does not take it: " + why);
        }

        private <T> T ask(Supplier<T> question) throws InterruptedException {
            turns.acquire();
            try {
                return question.get();
            } finally {
                turns.release();
            }
        }
    }

    @Override
    public Duration take() throws InterruptedException {
        if (lane.isDirect() || !shared.answers || shared.spool.isAway()) return IDLE;
        try {
            return step();
        } catch (StoreUnavailable away) {
            LOG.debugf("lane %d of the spool waits: %s", lane.number(), away.getMessage());
            return IDLE;
        } catch (RuntimeException bug) {
            cursor = 0;
            throw bug;
        }
    }

    private Duration step() throws InterruptedException {
        if (lane.beginDrain()) {
            try {
                return drain();
            } finally {
                lane.endDrain();
            }
        }
        return lane.state() == SpoolLane.State.CLOSING || lane.isNearlyDrained() ? close() : IDLE;
    }

    /** Lets the lane run empty, for which it must take nothing for a moment. */
    private Duration close() throws InterruptedException {
        var now = System.nanoTime();
        if (lane.state() == SpoolLane.State.SPOOLING) {
            if (now - closeAgainAt < 0) return RETRY;
            lane.close();
            closedAt = now;
        }
        if (lane.state() == SpoolLane.State.SPOOLING) return RETRY; // an outage begins
        if (lane.isSettled() && shared.ask(() -> shared.store.isEmpty(lane.number()))) {
            if (lane.open()) shared.spool.poke();
            return Duration.ZERO;
        }
        if (now - closedAt <= CLOSING.toNanos()) return CLOSING_STEP;
        lane.spool();
        closeAgainAt = now + AFTER_CLOSING.toNanos();
        return Duration.ZERO;
    }

    /** Brings one page of rows to Kafka, and closes the lane after the last one. */
    private Duration drain() throws InterruptedException {
        var page = shared.ask(() -> shared.store.page(lane.number(), cursor, ROWS, BYTES));
        if (!page.rows().isEmpty() && !deliver(SpoolDelivery.of(page.rows()))) {
            cursor = 0; // no row must pass one that is to be read again
            return RETRY;
        }
        // From the front again: a row that was committed late has a place before the others.
        cursor = page.more() ? page.last() : 0;
        return page.more() ? Duration.ZERO : close();
    }

    /** True if all of them are done with. */
    private boolean deliver(SpoolDelivery delivery) throws InterruptedException {
        var handing = true;
        for (var each : delivery.records()) {
            handing = handing && hand(each);
            if (!handing) each.skip();
        }
        while (!delivery.await(IDLE) && !shared.abandoned) {
            delivery.unanswered().forEach(this::giveUpIfGone);
        }
        var taken = new ArrayList<Place>();
        var done = true;
        for (var each : delivery.records()) {
            if (each.isTaken() || each.refusal() != null && bury(each)) taken.add(each.place());
            else done &= each.refusal() != null;
        }
        if (taken.isEmpty()) return done;
        shared.spool.heard();
        remove(taken);
        shared.drained.increment(taken.size());
        return done;
    }

    /** False if the producer has no room for it now, or does not know the topic yet, or is being replaced. */
    private boolean hand(SpoolDelivery.Each each) {
        // What the last producer has given up comes before it, as soon as its row says so.
        if (!shared.spool.freed().isEmpty()) return false;
        if (!each.send(shared.uplink)) return giveUpIfGone(each);
        missing.remove(Destination.of(each));
        return true;
    }

    private boolean giveUpIfGone(SpoolDelivery.Each each) {
        var why = shared.uplink.absence(each.kafkaTopic(), each.partition());
        if (why == null) {
            missing.remove(Destination.of(each));
            return false;
        }
        var now = System.nanoTime();
        long since = missing.computeIfAbsent(Destination.of(each), _ -> now);
        if (!shared.answers || now - since < MISSING.toNanos() || now - shared.answersSince < MISSING.toNanos())
            return false;
        each.gone(why);
        return true;
    }

    /**
     * Makes a dead letter of what Kafka does not take, since its client has its acknowledgement; true if Kafka has that. If it refuses
     * the dead letter, too, the record stays in the spool, out of the drain's way.
     */
    private boolean bury(SpoolDelivery.Each each) throws InterruptedException {
        var letter = answered(SpoolDelivery.letter(each, shared.uplink.deadLetterTopic()));
        if (letter.isPayloadTooLarge()) letter = answered(SpoolDelivery.withoutPayload(letter));
        if (letter.isTaken()) {
            shared.buried(each.refusal());
            return true;
        }
        if (letter.refusal() != null) fail(each);
        return false;
    }

    private SpoolDelivery.Each answered(SpoolDelivery.Each letter) throws InterruptedException {
        while (!letter.send(shared.uplink) && !shared.abandoned) if (!giveUpIfGone(letter)) Thread.sleep(RETRY);
        while (!letter.await(IDLE) && !shared.abandoned) giveUpIfGone(letter);
        return letter;
    }

    private void remove(List<Place> places) throws InterruptedException {
        untilDone(() -> shared.store.remove(places));
    }

    private void fail(SpoolDelivery.Each each) throws InterruptedException {
        untilDone(() -> shared.store.fail(each.place(), each.refusal()));
        shared.failed(each.refusal());
    }

    /** What Kafka has must not be read again. */
    private void untilDone(Runnable write) throws InterruptedException {
        while (!shared.abandoned) {
            try {
                shared.ask(() -> {
                    write.run();
                    return null;
                });
                return;
            } catch (StoreUnavailable away) {
                LOG.debugf("lane %d of the spool waits: %s", lane.number(), away.getMessage());
                Thread.sleep(IDLE);
            }
        }
    }
}
