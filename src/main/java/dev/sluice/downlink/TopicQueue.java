package dev.sluice.downlink;

import dev.sluice.broker.Broker;
import dev.sluice.broker.routing.TrackedDelivery;
import dev.sluice.clock.BackOff;
import dev.sluice.config.DownlinkConfig;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;

/**
 * The records for one MQTT topic in their order: the first one is under way, the others wait until it is done with, so that none
 * overtakes another whatever happens. Confined to the downlink's thread.
 */
final class TopicQueue {
    /** A client whose queue is full, or that is just going: tried again at once, then after this, and then less and less often. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    /** For a client that did not acknowledge the last one in time: it may have come to its senses. */
    private static final Duration GRACE = Duration.ofMillis(250);

    private final Surroundings around;
    private final ArrayDeque<DownlinkRecord> commands = new ArrayDeque<>(2);
    /** Of the first record; null while that waits. */
    private TrackedDelivery offer;
    /** Of the first record: the one under way or the last one; null before. */
    private TrackedDelivery latest;
    /** Tells an answer to the latest offer from that to an earlier one. */
    private int attempt;

    /** Null until the first record is lost. */
    private BackOff losses;

    private long tryAt;
    /** Whether it waits for somebody to subscribe, and who had when it was offered last. */
    private boolean waiting;

    private long triedVersion;
    private long nobodySince = DownlinkRecord.NEVER;
    /** When it was decided last that somebody is not waited for any more. */
    private long gaveUpAt = DownlinkRecord.NEVER;

    /**
     * All that the queues share.
     *
     * @param thread the downlink's own
     * @param ended gets each record once
     * @param isStopping whether nothing more is begun
     */
    record Surroundings(
            Broker broker,
            DownlinkConfig config,
            Executor thread,
            BiConsumer<DownlinkRecord, DownlinkOutcome> ended,
            BooleanSupplier isStopping) {}

    TopicQueue(Surroundings around) {
        this.around = around;
    }

    boolean isEmpty() {
        return commands.isEmpty();
    }

    /** Whether clients or PostgreSQL are about to answer. */
    boolean isUnderWay() {
        return offer != null;
    }

    /** Whether nothing happens until somebody subscribes. */
    boolean isWaiting() {
        return waiting && offer == null;
    }

    void add(DownlinkRecord command) {
        commands.add(command);
        if (commands.size() == 1) begin();
    }

    /** Begins with the first record that is not too late. */
    private void begin() {
        offer = null;
        latest = null;
        attempt++;
        losses = null;
        waiting = false;
        tryAt = System.nanoTime();
        while (!commands.isEmpty() && commands.peek().message().isExpired(System.currentTimeMillis()))
            around.ended().accept(commands.remove(), new DownlinkOutcome.Expired());
        if (!commands.isEmpty()) offer();
    }

    private void offer() {
        if (around.isStopping().getAsBoolean() || !around.broker().mayDeliver()) return;
        var command = commands.peek();
        var number = ++attempt;
        triedVersion = around.broker().subscriptionsVersion();
        latest = around.broker().track(command.message(), command.reached(), outcome -> around.thread()
                .execute(() -> settled(number, outcome)));
        offer = latest;
        offer.start(command.progress().partition().toString(), command.isToBeStored());
    }

    private void settled(int number, TrackedDelivery.Outcome outcome) {
        if (offer == null || number != attempt) return;
        offer = null;
        var now = System.nanoTime();
        switch (outcome) {
            case TrackedDelivery.Outcome.Nobody _ -> nobody(now);
            case TrackedDelivery.Outcome.Refused _ ->
                end(new DownlinkOutcome.Dead(
                        "downlink-refused", "PostgreSQL does not keep the message for its subscribers"));
            case TrackedDelivery.Outcome.Fenced _ -> tryAgain(now); // unless the partition is another gateway's now
            case TrackedDelivery.Outcome.Settled settled -> settled(settled, now);
        }
    }

    private void nobody(long now) {
        if (commands.peek().isStored()) { // whoever comes back gets it as the retained message
            end(new DownlinkOutcome.Delivered());
            return;
        }
        if (nobodySince == DownlinkRecord.NEVER) nobodySince = now;
        waiting = true;
        tryAt = now + LONGEST_PAUSE.toNanos();
        if (isOutOfPatience(now)) giveUp();
    }

    /** Records that came while nobody was there have waited, too. */
    private boolean isOutOfPatience(long now) {
        var since = Math.max(nobodySince, commands.peek().readAt());
        return now - since >= around.config().patience().toNanos();
    }

    private void giveUp() {
        var isReached = !commands.peek().reached().isEmpty();
        end(new DownlinkOutcome.Undeliverable(
                isReached ? DownlinkOutcome.Why.CLIENT_LEFT : DownlinkOutcome.Why.NO_SUBSCRIBER));
    }

    private void settled(TrackedDelivery.Outcome.Settled settled, long now) {
        var command = commands.peek();
        command.reached(settled);
        nobodySince = DownlinkRecord.NEVER;
        waiting = false;
        if (settled.lost() > 0) {
            command.offered(now + around.config().deliveryTimeout().toNanos());
            tryAgain(now);
        } else {
            end(command.ending());
        }
    }

    private void tryAgain(long now) {
        if (losses == null) {
            losses = new BackOff(FIRST_PAUSE, LONGEST_PAUSE);
            tryAt = now;
            offer();
        } else {
            tryAt = now + losses.pause().toNanos();
            losses.tried(false);
        }
    }

    /** The clock. */
    void tick(long now) {
        if (offer != null) offer.retry();
        while (!commands.isEmpty() && isOverdue(now)) {
            if (latest.giveUp()) gaveUpAt = now;
            end(new DownlinkOutcome.Undeliverable(DownlinkOutcome.Why.NOT_ACKNOWLEDGED));
        }
        if (!commands.isEmpty() && offer == null) retry(commands.peek(), now);
    }

    private boolean isOverdue(long now) {
        if (latest == null) return false;
        if (offer != null && !offer.isDelivering()) return false; // PostgreSQL is waited for as long as it takes
        var command = commands.peek();
        if (offer != null)
            command.offered(now + around.config().deliveryTimeout().toNanos());
        if (latest.isOwedOnlyToNotAcknowledging())
            command.offered(Math.max(gaveUpAt, command.readAt()) + GRACE.toNanos());
        return command.isOverdue(now);
    }

    private void retry(DownlinkRecord command, long now) {
        if (command.message().isExpired(System.currentTimeMillis())) begin();
        else if (waiting && isOutOfPatience(now)) giveUp();
        else if (now - tryAt >= 0 || waiting && around.broker().subscriptionsVersion() != triedVersion) offer();
    }

    private void end(DownlinkOutcome ending) {
        around.ended().accept(commands.remove(), ending);
        begin();
    }

    /** The partition is another replica's now. */
    void drop(Progress progress) {
        var first = commands.peek();
        commands.removeIf(command -> command.progress() == progress);
        if (first != commands.peek()) begin();
    }
}
