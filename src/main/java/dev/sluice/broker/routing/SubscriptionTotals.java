package dev.sluice.broker.routing;

import dev.sluice.topic.TopicFilter;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/**
 * Counts the subscriptions that the {@link Router} has, and the memory of their Topic Filters, which is bounded. Any thread may ask; the
 * router adds and removes, under its lock.
 *
 * <p>What PostgreSQL holds above the bound is added as well: a stored subscription that no gateway knows would lose messages.
 */
public final class SubscriptionTotals {
    private static final Logger LOG = Logger.getLogger(SubscriptionTotals.class);

    /** Bytes of the objects around a filter: the subscription, its place in the index, what is noted of the filter for other gateways. */
    static final int OVERHEAD = 200;

    private final long most;
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong above = new AtomicLong();
    private final AtomicBoolean isTold = new AtomicBoolean();

    /** @param most bytes, 0 for any number */
    SubscriptionTotals(long most) {
        this.most = most;
    }

    private static long weight(TopicFilter filter) {
        return (long) filter.memory() + OVERHEAD;
    }

    /** Whether a subscription more may be made; several that are asked for at once may all find the last room. */
    public boolean hasRoomFor(TopicFilter filter) {
        return most == 0 || bytes.get() + weight(filter) <= most;
    }

    void add(TopicFilter filter) {
        count.incrementAndGet();
        var now = bytes.addAndGet(weight(filter));
        if (most == 0 || now <= most) return;
        above.incrementAndGet();
        if (!isTold.getAndSet(true))
            LOG.warnf(
                    "the Topic Filters of all subscriptions have more than %d bytes (sluice.mqtt.subscription-bytes-in-all): those in"
                            + " PostgreSQL are kept, and need heap; no client gets a further subscription before some have ended",
                    most);
    }

    void remove(TopicFilter filter) {
        count.decrementAndGet();
        bytes.addAndGet(-weight(filter));
    }

    /** How many subscriptions there are, those of clients that are offline included. */
    public long count() {
        return count.get();
    }

    /** Bytes of their Topic Filters on the heap, with what is around each. */
    public long bytes() {
        return bytes.get();
    }

    /** How many were added above the bound. */
    public long above() {
        return above.get();
    }
}
