package dev.sluice.downlink;

import dev.sluice.broker.routing.Offer;
import dev.sluice.clock.BackOff;
import java.time.Duration;
import java.util.ArrayDeque;

/**
 * The records for one MQTT topic in their order: the first one is under way, the others wait until it is done with, so that none
 * overtakes another whatever happens. Confined to the downlink's thread.
 */
final class Lane {
    /** A client whose queue is full, or that is just going: tried again at once, then after this, and then less and less often. */
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    /** For a client that did not acknowledge the last one in time: it may have come to its senses. */
    private static final Duration GRACE = Duration.ofMillis(250);

    private final Lanes lanes;
    private final ArrayDeque<Command> commands = new ArrayDeque<>(2);
    /** Of the first record; null while that waits. */
    private Offer offer;
    /** Of the first record: the one under way or the last one; null before. */
    private Offer latest;
    /** Tells an answer to the latest offer from that to an earlier one. */
    private int attempt;

    /** Null until the first record is lost. */
    private BackOff losses;

    private long tryAt;
    /** Whether it waits for somebody to subscribe, and who had when it was offered last. */
    private boolean waiting;

    private long triedVersion;
    private long nobodySince = Command.NEVER;
    /** When it was decided last that somebody is not waited for any more. */
    private long gaveUpAt = Command.NEVER;

    Lane(Lanes lanes) {
        this.lanes = lanes;
    }

    boolean isEmpty() {
        return commands.isEmpty();
    }

    /** Whether clients or PostgreSQL are about to answer. */
    boolean isUnderWay() {
        return offer != null;
    }

    void add(Command command) {
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
            lanes.ended(commands.remove(), new Ending.Expired());
        if (!commands.isEmpty()) offer();
    }

    private void offer() {
        if (lanes.isStopping() || lanes.broker().hasManyUnderWay()) return;
        var command = commands.peek();
        var number = ++attempt;
        triedVersion = lanes.broker().subscriptionsVersion();
        latest = lanes.broker()
                .offer(
                        command.message(),
                        command.reached(),
                        outcome -> lanes.execute(() -> lanes.settled(this, number, outcome)));
        offer = latest;
        offer.start(command.progress().partition().toString(), command.isToBeStored());
    }

    void settled(int number, Offer.Outcome outcome) {
        if (offer == null || number != attempt) return;
        offer = null;
        var now = System.nanoTime();
        switch (outcome) {
            case Offer.Outcome.Nobody _ -> nobody(now);
            case Offer.Outcome.Refused _ ->
                end(new Ending.Dead("downlink-refused", "PostgreSQL does not keep the message for its subscribers"));
            case Offer.Outcome.Settled settled -> settled(settled, now);
        }
    }

    private void nobody(long now) {
        if (commands.peek().isStored()) { // whoever comes back gets it as the retained message
            end(new Ending.Delivered());
            return;
        }
        if (nobodySince == Command.NEVER) nobodySince = now;
        waiting = true;
        tryAt = now + LONGEST_PAUSE.toNanos();
        if (isOutOfPatience(now)) giveUp();
    }

    /** Records that came while nobody was there have waited, too. */
    private boolean isOutOfPatience(long now) {
        var since = Math.max(nobodySince, commands.peek().readAt());
        return now - since >= lanes.config().patience().toNanos();
    }

    private void giveUp() {
        var isReached = !commands.peek().reached().isEmpty();
        end(new Ending.Undeliverable(isReached ? Ending.Why.CLIENT_LEFT : Ending.Why.NO_SUBSCRIBER));
    }

    private void settled(Offer.Outcome.Settled settled, long now) {
        var command = commands.peek();
        command.reached(settled);
        nobodySince = Command.NEVER;
        waiting = false;
        if (settled.lost() > 0) {
            command.offered(now + lanes.config().deliveryTimeout().toNanos());
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
            end(new Ending.Undeliverable(Ending.Why.NOT_ACKNOWLEDGED));
        }
        if (!commands.isEmpty() && offer == null) retry(commands.peek(), now);
    }

    private boolean isOverdue(long now) {
        if (latest == null) return false;
        if (offer != null && !offer.isDelivering()) return false; // PostgreSQL is waited for as long as it takes
        var command = commands.peek();
        if (offer != null)
            command.offered(now + lanes.config().deliveryTimeout().toNanos());
        if (latest.isOwedToLaggardsAlone()) command.offered(Math.max(gaveUpAt, command.readAt()) + GRACE.toNanos());
        return command.isOverdue(now);
    }

    private void retry(Command command, long now) {
        if (command.message().isExpired(System.currentTimeMillis())) begin();
        else if (waiting && isOutOfPatience(now)) giveUp();
        else if (now - tryAt >= 0 || waiting && lanes.broker().subscriptionsVersion() != triedVersion) offer();
    }

    private void end(Ending ending) {
        lanes.ended(commands.remove(), ending);
        begin();
    }

    /** The partition is another replica's now. */
    void drop(Progress progress) {
        var first = commands.peek();
        commands.removeIf(command -> command.progress() == progress);
        if (first != commands.peek()) begin();
    }
}
