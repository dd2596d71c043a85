package dev.sluice.uplink.spool;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.uplink.producer.UplinkProducer;
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
 * Brings the rows of one stripe to Kafka, in their order, and the stripe back to where records go to Kafka at once. Runs on a virtual thread of
 * its own, so that a stripe that waits for one topic holds up no other.
 */
public final class StripeDrain implements Repeating.Turn {
    private static final Logger LOG = Logger.getLogger(StripeDrain.class);

    /** A page. When a gateway is killed, rows that it has sent and not deleted are sent again: at most a few pages. */
    private static final int ROWS = 500;

    private static final long BYTES = 2 << 20;
    private static final Duration IDLE = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofMillis(10);
    private static final Duration CLOSING_STEP = Duration.ofMillis(2);
    /** Clients of the stripe wait while it is closing; what does not settle in that time goes on spooling. */
    private static final Duration CLOSING = Duration.ofSeconds(1);

    private static final Duration AFTER_CLOSING = Duration.ofSeconds(2);
    /** A topic or partition that is not there for so long, while Kafka answers, is not waited for. */
    private static final Duration MISSING = Duration.ofSeconds(10);

    private final SpoolStripe stripe;
    private final Shared shared;
    /** Topics and partitions that Kafka lacks, with the time since which. */
    private final Map<TopicPartitionRef, Long> missing = new HashMap<>();

    private long cursor;
    private long closedAt;
    private long closeAgainAt = System.nanoTime();

    public StripeDrain(SpoolStripe stripe, Shared shared) {
        this.stripe = stripe;
        this.shared = shared;
    }

    /** The parts that all stripes share; any thread. */
    public static final class Shared {
        private final Spool spool;
        private final SpoolStore store;
        private final UplinkProducer producer;
        private final String deadLetterTopic;
        /** Counts a dead letter that Kafka has. */
        private final Runnable deadLettered;

        private final Counter drained;
        private final Counter failed;
        /** PostgreSQL has others to answer, too. */
        private final Semaphore turns = new Semaphore(2);

        private final ThrottledLog deadLetterLog = new ThrottledLog(LOG);
        private final ThrottledLog failureLog = new ThrottledLog(LOG);
        private volatile boolean abandoned;
        private volatile boolean answers;
        private volatile long answersSince;

        public Shared(
                Spool spool,
                SpoolStore store,
                UplinkProducer producer,
                String deadLetterTopic,
                Runnable deadLettered,
                MeterRegistry meters) {
            this.spool = spool;
            this.store = store;
            this.producer = producer;
            this.deadLetterTopic = deadLetterTopic;
            this.deadLettered = deadLettered;
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

        void countFailed(String why) {
            failed.increment();
            failureLog.warn("Kafka takes neither a record of the spool nor its dead letter: " + why);
        }

        void countDeadLetter(String why) {
            deadLettered.run();
            deadLetterLog.warn("a record of the spool is a dead letter, because Kafka does not take it: " + why);
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
        if (stripe.isDirect() || !shared.answers || shared.spool.isAway()) return IDLE;
        try {
            return step();
        } catch (StoreUnavailable away) {
            LOG.debugf("stripe %d of the spool waits: %s", stripe.number(), away.getMessage());
            return IDLE;
        } catch (RuntimeException bug) {
            cursor = 0;
            throw bug;
        }
    }

    private Duration step() throws InterruptedException {
        if (stripe.beginDrain()) {
            try {
                return drain();
            } finally {
                stripe.endDrain();
            }
        }
        return stripe.state() == SpoolStripe.State.CLOSING || stripe.isNearlyDrained() ? close() : IDLE;
    }

    /** Lets the stripe run empty, for which it must take nothing for a moment. */
    private Duration close() throws InterruptedException {
        var now = System.nanoTime();
        if (stripe.state() == SpoolStripe.State.SPOOLING) {
            if (now - closeAgainAt < 0) return RETRY;
            stripe.close();
            closedAt = now;
        }
        if (stripe.state() == SpoolStripe.State.SPOOLING) return RETRY; // an outage begins
        if (stripe.isSettled() && shared.ask(() -> shared.store.isEmpty(stripe.number()))) {
            if (stripe.open()) shared.spool.retryWaiting();
            return Duration.ZERO;
        }
        if (now - closedAt <= CLOSING.toNanos()) return CLOSING_STEP;
        stripe.spool();
        closeAgainAt = now + AFTER_CLOSING.toNanos();
        return Duration.ZERO;
    }

    /** Brings one page of rows to Kafka, and closes the stripe after the last one. */
    private Duration drain() throws InterruptedException {
        var page = shared.ask(() -> shared.store.page(stripe.number(), cursor, ROWS, BYTES));
        if (!page.rows().isEmpty() && !deliver(new SpoolDelivery(page.rows()))) {
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
            if (each.isTaken() || each.refusal() != null && deadLetter(each)) taken.add(each.place());
            else done &= each.refusal() != null;
        }
        if (taken.isEmpty()) return done;
        shared.spool.kafkaAnswered();
        remove(taken);
        shared.drained.increment(taken.size());
        return done;
    }

    /** False if the producer has no room for it now, or does not know the topic yet, or is being replaced. */
    private boolean hand(SpooledRecord each) {
        // What the last producer has given up comes before it, as soon as its row says so.
        if (!shared.spool.toUnlease().isEmpty()) return false;
        if (!each.send(shared.producer)) return giveUpIfGone(each);
        missing.remove(each.to());
        return true;
    }

    private boolean giveUpIfGone(SpooledRecord each) {
        var why = shared.producer.absence(each.to().kafkaTopic(), each.to().partition());
        if (why == null) {
            missing.remove(each.to());
            return false;
        }
        var now = System.nanoTime();
        long since = missing.computeIfAbsent(each.to(), _ -> now);
        if (!shared.answers || now - since < MISSING.toNanos() || now - shared.answersSince < MISSING.toNanos())
            return false;
        each.giveUp(why);
        return true;
    }

    /**
     * Makes a dead letter of what Kafka does not take, since its client has its acknowledgement; true if Kafka has that. If it refuses
     * the dead letter, too, the record stays in the spool, out of the drain's way.
     */
    private boolean deadLetter(SpooledRecord each) throws InterruptedException {
        var letter = answered(each.deadLetter(shared.deadLetterTopic));
        if (letter.isPayloadTooLarge()) letter = answered(letter.withoutPayload());
        if (letter.isTaken()) {
            shared.countDeadLetter(each.refusal());
            return true;
        }
        if (letter.refusal() != null) fail(each);
        return false;
    }

    private SpooledRecord answered(SpooledRecord letter) throws InterruptedException {
        while (!letter.send(shared.producer) && !shared.abandoned) if (!giveUpIfGone(letter)) Thread.sleep(RETRY);
        while (!letter.await(IDLE) && !shared.abandoned) giveUpIfGone(letter);
        return letter;
    }

    private void remove(List<Place> places) throws InterruptedException {
        untilDone(() -> shared.store.remove(places));
    }

    private void fail(SpooledRecord each) throws InterruptedException {
        untilDone(() -> shared.store.fail(each.place(), each.refusal()));
        shared.countFailed(each.refusal());
    }

    /** Tries until it is written: a row that Kafka has must not be read again. */
    private void untilDone(Runnable write) throws InterruptedException {
        while (!shared.abandoned) {
            try {
                shared.ask(() -> {
                    write.run();
                    return null;
                });
                return;
            } catch (StoreUnavailable away) {
                LOG.debugf("stripe %d of the spool waits: %s", stripe.number(), away.getMessage());
                Thread.sleep(IDLE);
            }
        }
    }
}
