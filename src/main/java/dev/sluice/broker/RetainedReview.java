package dev.sluice.broker;

import dev.sluice.clock.Repeating;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.RetainedTopics;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * Owns the thread that has {@link RetainedTopics} read all names from the start on, while clients connect already, and then forget those of
 * which PostgreSQL has no message any more: each hour where there are other gateways, which clear and delete messages without a word, and as
 * soon as there is no room for a further name. Any thread may start and stop it.
 */
final class RetainedReview {
    private static final Logger LOG = Logger.getLogger(RetainedReview.class);
    private static final Duration LOOK = Duration.ofSeconds(1);
    static final Duration INTERVAL = Duration.ofHours(1);
    private static final Duration SHORTEST = Duration.ofMinutes(1);
    /** However many names there are, PostgreSQL is asked in one part in so many of the time. */
    private static final int PART = 20;

    private final RetainedTopics topics;
    private final BooleanSupplier alone;
    private final Duration interval;
    private final Repeating reviewing = Repeating.onVirtualThread("sluice-retained-names");
    private long dueAt;
    /** Not before, whatever there is to do. */
    private long mayAt;

    /**
     * @param alone whether there has been no other gateway
     * @param interval where there are others; {@link #INTERVAL}
     */
    RetainedReview(RetainedTopics topics, BooleanSupplier alone, Duration interval) {
        this.topics = topics;
        this.alone = alone;
        this.interval = interval;
    }

    void start() {
        topics.expectLoad();
        mayAt = System.nanoTime();
        dueAt = mayAt + interval.toNanos();
        reviewing.start(this::turn);
    }

    void stop() {
        reviewing.stop();
    }

    private Duration turn() {
        return topics.isLoaded() ? review() : load();
    }

    private Duration load() {
        try {
            topics.load(reviewing::isStopped);
        } catch (StoreUnavailable away) {
            LOG.warnf("what clients publish waits until topics of retained messages are read: %s", away.getMessage());
            return LOOK;
        }
        if (topics.size() > 0) LOG.infof("%d retained messages", topics.size());
        return LOOK;
    }

    private Duration review() {
        var now = System.nanoTime();
        var isDue = topics.isFull() || now - dueAt >= 0 && !alone.getAsBoolean();
        if (!isDue || now - mayAt < 0) return LOOK;
        try {
            var gone = topics.forgetGone(reviewing::isStopped);
            dueAt = now + interval.toNanos();
            if (gone > 0) LOG.infof("%d topics have no retained message any more, through other gateways", gone);
        } catch (StoreUnavailable away) {
            LOG.debugf("names of retained messages are looked through later: %s", away.getMessage());
        } finally {
            var end = System.nanoTime();
            mayAt = end + Math.max(SHORTEST.toNanos(), PART * (end - now));
        }
        return LOOK;
    }
}
