package dev.sluice.uplink.spool;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.SpoolRow;
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
import java.util.Set;
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

    /** Small, since a partition that takes nothing keeps a page of each stripe in the producer's buffer. */
    private static final long BYTES = 256 << 10;

    private static final Duration IDLE = Duration.ofMillis(200);
    private static final Duration RETRY = Duration.ofMillis(10);
    private static final Duration FOR_OTHERS = Duration.ofMillis(50);
    private static final Duration CLOSING_STEP = Duration.ofMillis(2);
    /** Clients of the stripe wait while it is closing; what does not settle in that time goes on spooling. */
    private static final Duration CLOSING = Duration.ofSeconds(1);

    private static final Duration AFTER_CLOSING = Duration.ofSeconds(2);
    /** A topic or partition that is not there for so long, while Kafka answers, is not waited for. */
    private static final Duration MISSING = Duration.ofSeconds(10);

    /** Kafka answers in milliseconds; what it has not answered after so long waits for a partition that takes nothing. */
    private static final Duration LATE = Duration.ofSeconds(1);

    /** Longer than there is no producer where one takes the place of another: what has ended the last one may be the record of this letter. */
    private static final Duration NEXT_PRODUCER = Duration.ofSeconds(5);

    private static final int REST_SHARE = 10;
    private static final Duration LONGEST_REST = Duration.ofSeconds(5);

    private final SpoolStripe stripe;
    private final Shared shared;
    private final HeldBack held;
    /** Topics and partitions that Kafka lacks, with the time since which. */
    private final Map<TopicPartitionRef, Long> missing = new HashMap<>();

    private long cursor;
    /** Kafka topics that are not read while the stripe runs empty of all others. */
    private Set<String> leftOut = Set.of();

    private long seenGivenUp;
    private Duration reading = Duration.ZERO;
    private long closedAt;
    private long closeAgainAt = System.nanoTime();

    public StripeDrain(SpoolStripe stripe, Shared shared) {
        this.stripe = stripe;
        this.shared = shared;
        this.held = new HeldBack(shared.producer);
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
        private final ThrottledLog lateLog = new ThrottledLog(LOG);
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

        /** On Kafka's network thread. */
        private void answeredLate(SpooledRecord each, Runnable taken) {
            if (!each.isTaken()) {
                spool.unleaseLater(each.row());
                return;
            }
            spool.kafkaAnswered();
            taken.run();
            spool.deleteLater(each.row());
        }

        private void warnLate(TopicPartitionRef way) {
            lateLog.warn(() -> "Kafka does not take records of the spool for the Kafka topic " + way.kafkaTopic()
                    + (way.partition() == null ? "" : ", partition " + way.partition()) + ": they wait, others go on");
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

    /** If not, a turn ends the work, until it is started again. */
    public boolean hasWork() {
        return stripe.hasWork();
    }

    @Override
    public Duration take() throws InterruptedException {
        if (!hasWork()) return null;
        if (!shared.answers || shared.spool.isAway()) return IDLE;
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
        if (stripe.isDirect()) return IDLE;
        return stripe.isClosing() || stripe.isNearlyDrained() ? close(Set.of(), RETRY) : IDLE;
    }

    /** Brings one page of rows to Kafka, and closes the stripe after the last one. */
    private Duration drain() throws InterruptedException {
        if (!mayPass()) return RETRY;
        var begun = System.nanoTime();
        var page = shared.ask(() -> shared.store.page(stripe.number(), cursor, ROWS, BYTES, leftOut));
        reading = reading.plusNanos(System.nanoTime() - begun);
        if (page.isFirst()) {
            held.late().forEach(this::giveUpIfGone);
            held.beginPass();
        }
        deliver(page.rows());
        cursor = page.isOver() ? 0 : page.last();
        return page.more() && (held.isEmpty() || !page.isOver()) ? Duration.ZERO : endPass();
    }

    /** Whether rows may be read on: none must pass one that the last producer has given up, as soon as its row says so. */
    private boolean mayPass() {
        var givenUp = shared.spool.givenUp();
        var staying = stripe.staying();
        if (givenUp != seenGivenUp
                || !staying.equals(leftOut)
                || !shared.spool.toUnlease().isEmpty()) cursor = 0;
        seenGivenUp = givenUp;
        leftOut = staying;
        return shared.spool.toUnlease().isEmpty();
    }

    /** What is held back is read again in each pass, and can be much. */
    private Duration endPass() throws InterruptedException {
        var longest = reading.multipliedBy(REST_SHARE);
        reading = Duration.ZERO;
        if (stripe.isDirect()) return longest.compareTo(LONGEST_REST) > 0 ? LONGEST_REST : longest.plus(FOR_OTHERS);
        if (held.isEmpty() || stripe.isClosing()) return close(Set.of(), RETRY);
        var rest = longest.compareTo(LONGEST_REST) > 0 ? LONGEST_REST : longest.plus(RETRY);
        var staying = held.lateTopics();
        return !held.isOnly(staying) || stripe.isOpenExcept(staying) ? rest : close(staying, rest);
    }

    /** Lets the stripe run empty except for some Kafka topics; for that it must take nothing else for a moment. */
    private Duration close(Set<String> staying, Duration rest) throws InterruptedException {
        var now = System.nanoTime();
        if (!stripe.isClosing()) {
            if (now - closeAgainAt < 0) return rest;
            stripe.close(staying);
            closedAt = now;
            return stripe.isClosing() ? Duration.ZERO : rest; // an outage begins
        }
        if (stripe.isSettled() && shared.ask(() -> shared.store.isEmpty(stripe.number(), stripe.staying()))) {
            if (stripe.open()) shared.spool.retryWaiting();
            return Duration.ZERO;
        }
        if (now - closedAt <= CLOSING.toNanos()) return CLOSING_STEP;
        if (stripe.isSettled() && stripe.isHeldElsewhere()) {
            // It does not run empty as long as another gateway is cut off: only clients with something in it go on
            // spooling.
            shared.spool.askForClients();
            if (stripe.open()) shared.spool.retryWaiting();
            return Duration.ZERO;
        }
        stripe.reopen();
        closeAgainAt = now + AFTER_CLOSING.toNanos();
        return Duration.ZERO;
    }

    private void deliver(List<SpoolRow> rows) throws InterruptedException {
        if (rows.isEmpty()) return;
        var delivery = new SpoolDelivery(rows, held::way);
        for (var each : delivery.records()) {
            if (!held.holds(each.way()) && hand(each)) continue;
            held.hold(each.way());
            each.skip();
        }
        var deadline = System.nanoTime() + LATE.toNanos();
        while (!delivery.await(IDLE) && !isOver(deadline)) delivery.unanswered().forEach(this::giveUpIfGone);
        leave(delivery.unanswered(), shared.drained::increment);
        var done = new ArrayList<Place>();
        for (var each : delivery.records()) if (!each.isLeft() && isDone(each)) done.add(each.place());
        if (done.isEmpty()) return;
        shared.spool.kafkaAnswered();
        untilDone(() -> shared.store.remove(done));
        shared.drained.increment(done.size());
    }

    /** Whether Kafka has it, or its dead letter; if not, it is to be read again. */
    private boolean isDone(SpooledRecord each) throws InterruptedException {
        if (each.isTaken()) return true;
        if (each.refusal() != null) return deadLetter(each);
        held.hold(each.way());
        if (each.isLeased()) shared.spool.unleaseLater(each.row());
        return false;
    }

    private boolean isOver(long deadline) {
        return shared.abandoned || System.nanoTime() - deadline >= 0;
    }

    /** False if the producer has no room for it now, or does not know the topic yet, or is being replaced, or if another gateway drains now. */
    private boolean hand(SpooledRecord each) {
        if (shared.spool.givenUp() != seenGivenUp || !stripe.isOurs()) return false;
        if (!each.send(shared.producer)) return giveUpIfGone(each);
        missing.remove(each.to());
        return true;
    }

    private boolean giveUpIfGone(SpooledRecord each) {
        var to = each.to();
        var why = shared.producer.absence(to.kafkaTopic(), to.partition());
        if (why == null) {
            missing.remove(to);
            return false;
        }
        var now = System.nanoTime();
        long since = missing.computeIfAbsent(to, _ -> now);
        if (!shared.answers || now - since < MISSING.toNanos() || now - shared.answersSince < MISSING.toNanos())
            return false;
        each.giveUp(why);
        return true;
    }

    /**
     * Leaves records to the producer that Kafka does not answer in time, as those that were insured in flight: their rows say that this gateway
     * has them, and the drain goes on with what goes elsewhere.
     *
     * @param taken counts each one that Kafka takes after all
     */
    private void leave(List<SpooledRecord> records, Runnable taken) throws InterruptedException {
        if (records.isEmpty() || shared.abandoned) return;
        var places = records.stream().map(SpooledRecord::place).toList();
        untilDone(() -> shared.store.lease(places));
        for (var each : records) {
            each.leased();
            if (each.leaveTo(() -> shared.answeredLate(each, taken))) held.addLate(each);
        }
        held.late().stream().findAny().ifPresent(each -> shared.warnLate(each.way()));
    }

    /**
     * Makes a dead letter of what Kafka does not take, since its client has its acknowledgement; true if Kafka has that. If it refuses
     * the dead letter, too, the record stays in the spool, out of the drain's way.
     */
    private boolean deadLetter(SpooledRecord each) throws InterruptedException {
        var letter = answered(each.deadLetter(shared.deadLetterTopic), each.refusal());
        if (letter.isPayloadTooLarge()) letter = answered(letter.withoutPayload(), each.refusal());
        if (letter.isLeft()) return false;
        if (letter.isTaken()) {
            shared.countDeadLetter(each.refusal());
            return true;
        }
        if (letter.refusal() != null) fail(each);
        else if (each.isLeased()) shared.spool.unleaseLater(each.row());
        return false;
    }

    /** Waits for the answer to a dead letter, but not for a topic of dead letters that takes nothing. */
    private SpooledRecord answered(SpooledRecord letter, String why) throws InterruptedException {
        var patience = System.nanoTime() + NEXT_PRODUCER.toNanos();
        while (!held.holds(letter.way()) && !letter.send(shared.producer) && !giveUpIfGone(letter)) {
            if (isOver(patience)) held.hold(letter.way());
            else Thread.sleep(RETRY);
        }
        if (held.holds(letter.way())) letter.skip();
        var deadline = System.nanoTime() + LATE.toNanos();
        while (!letter.await(IDLE) && !isOver(deadline)) giveUpIfGone(letter);
        if (!letter.isAnswered()) leave(List.of(letter), () -> shared.countDeadLetter(why));
        return letter;
    }

    private void fail(SpooledRecord each) throws InterruptedException {
        untilDone(() -> shared.store.fail(each.place(), each.refusal()));
        shared.countFailed(each.refusal());
    }

    /** Tries until it is written: a row that Kafka has must not be read again. */
    private void untilDone(Runnable write) throws InterruptedException {
        while (true) {
            try {
                shared.ask(() -> {
                    write.run();
                    return null;
                });
                return;
            } catch (StoreUnavailable away) {
                LOG.debugf("stripe %d of the spool waits: %s", stripe.number(), away.getMessage());
                if (shared.abandoned) return;
                Thread.sleep(IDLE);
            }
        }
    }
}
