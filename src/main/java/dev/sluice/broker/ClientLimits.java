package dev.sluice.broker;

import dev.sluice.access.limit.Allowance;
import dev.sluice.access.limit.Allowance.Excess;
import dev.sluice.access.limit.Limit;
import dev.sluice.access.limit.Scope;
import dev.sluice.clock.BackOff;
import dev.sluice.config.LimitsConfig.OnExcess;
import dev.sluice.packet.Packet;
import dev.sluice.session.Limits;
import java.time.Duration;
import java.util.function.BiConsumer;

/**
 * Holds one client to its share of what it may publish and be sent. Who waits has one timer, until there is room. Confined to the connection's
 * event loop.
 */
final class ClientLimits {
    /** However long its share takes: a timer keeps the connection on the heap. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    /** Waits are not shorter, so that a timer is worth more than one message of a fast client. */
    private static final Duration SHORTEST = Duration.ofMillis(50);
    /** Of a share with others, who may have taken it meanwhile; shorter than a burst usually is. */
    private static final Duration LONGEST = Duration.ofMillis(320);

    private final Allowance allowance;
    private final Limiter limiter;
    private final Direction in = new Direction();
    private final Direction out = new Direction();

    /** One way of the client's messages. */
    private final class Direction {
        private final BackOff backOff = new BackOff(SHORTEST, LONGEST);
        private boolean isTimed;
        private boolean isWaiting;

        private void retry(Excess excess, BiConsumer<Duration, Runnable> after, Runnable task) {
            if (!isWaiting) limiter.count(excess.limit(), excess.scope(), "waited");
            isWaiting = true;
            if (isTimed) return;
            isTimed = true;
            limiter.beginsToWait();
            after.accept(pause(excess), () -> {
                isTimed = false;
                limiter.endsToWait();
                task.run();
            });
        }

        private Duration pause(Excess excess) {
            var own = Duration.ofNanos(Math.min(excess.nanos(), LONGEST_PAUSE.toNanos()));
            if (excess.scope() == Scope.CLIENT) return own.compareTo(SHORTEST) < 0 ? SHORTEST : own;
            var pause = backOff.pause();
            backOff.tried(false);
            return own.compareTo(pause) < 0 ? pause : own;
        }

        private void passed() {
            if (!isWaiting) return;
            isWaiting = false;
            backOff.tried(true);
        }
    }

    ClientLimits(Allowance allowance, Limiter limiter) {
        this.allowance = allowance;
        this.limiter = limiter;
    }

    Allowance allowance() {
        return allowance;
    }

    /** These bounds, or the client's own if they are less. */
    Limits within(Limits limits) {
        return limits.within(
                (int) Math.max(1, allowance.least(Limit.IN_FLIGHT, limits.receiveMaximum())),
                (int) allowance.least(Limit.QUEUE_COUNT, limits.queueCount()),
                allowance.least(Limit.QUEUE_BYTES, limits.queueBytes()));
    }

    /** How many subscriptions the client may have. */
    int subscriptions(int usual) {
        return (int) allowance.least(Limit.SUBSCRIPTIONS, usual);
    }

    void refused(Limit limit, Scope scope) {
        limiter.count(limit, scope, "refused");
    }

    /** Counts one more retained message of the identity; false if it has as many as it may, which are counted anew for the next time. */
    boolean retains() {
        if (allowance.retains()) return true;
        refused(Limit.RETAINED, Scope.IDENTITY);
        limiter.countRetained(allowance);
        return false;
    }

    /** What a PUBLISH has to wait for; null if it has not to. */
    private Excess held() {
        if (!allowance.limitsIn()) return null;
        var excess = allowance.excessIn(System.nanoTime());
        return excess == null || limiter.onExcess(excess.limit()) != OnExcess.WAIT ? null : excess;
    }

    boolean holdsBack() {
        return held() != null;
    }

    /**
     * Runs the task once there may be room for what the client publishes.
     *
     * @param after has a task run on the loop after a while
     */
    void whenItMayPublish(BiConsumer<Duration, Runnable> after, Runnable task) {
        var excess = held();
        if (excess != null) in.retry(excess, after, task);
        else after.accept(Duration.ZERO, task);
    }

    /** A PUBLISH goes on, and is counted; or it is over a limit, which is returned. */
    Excess publishes(Packet.Publish publish) {
        if (!allowance.limitsIn()) return null;
        var now = System.nanoTime();
        var excess = allowance.excessIn(now);
        if (excess != null && limiter.onExcess(excess.limit()) != OnExcess.WAIT) return excess;
        allowance.takeIn(bytes(publish), now);
        in.passed();
        return null;
    }

    /** Whether the client may be sent a message; if not, the task runs once it may. */
    boolean mayBeSent(BiConsumer<Duration, Runnable> after, Runnable task) {
        if (!allowance.limitsOut()) return true;
        var excess = allowance.excessOut(System.nanoTime());
        if (excess == null) return true;
        out.retry(excess, after, task);
        return false;
    }

    void sends(Packet packet) {
        if (!(packet instanceof Packet.Publish publish) || !allowance.limitsOut()) return;
        allowance.takeOut(bytes(publish), System.nanoTime());
        out.passed();
    }

    private static long bytes(Packet.Publish publish) {
        return (long) publish.topicName().utf8().length
                + publish.payload().length
                + publish.properties().bytes();
    }

    /** The connection is over, or gets other limits. */
    void leave() {
        allowance.leave(System.nanoTime());
    }
}
