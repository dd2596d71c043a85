package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import dev.sluice.topic.TopicFilter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ObjLongConsumer;

/**
 * One client with its subscriptions, and with its connection while it is online here. Any thread may
 * read and {@link #tell}; {@link Router} changes it under its lock.
 */
public final class Subscriber {
    /** A queue is full for longer than this, or its client is back: who is ready is asked first. */
    private static final Duration FULL = Duration.ofSeconds(10);

    private final String clientId;
    private final long sessionId;
    private final ObjLongConsumer<String> ended;
    private final Map<TopicFilter, LiveSubscription> subscriptions = new ConcurrentHashMap<>(2);
    private final AtomicLong lastSeq = new AtomicLong();
    /** Of the filters. */
    private volatile int filterBytes;

    private volatile Recipient recipient;
    private volatile boolean durable;
    private volatile boolean gone;
    /** Whether its queue has been full, and until when that is taken to be so. */
    private volatile boolean full;

    private volatile long fullUntil;

    /** @param ended takes the client id and the session id when PostgreSQL has no such session any more; from any thread */
    Subscriber(String clientId, long sessionId, ObjLongConsumer<String> ended) {
        this.clientId = clientId;
        this.sessionId = sessionId;
        this.ended = ended;
    }

    String clientId() {
        return clientId;
    }

    /** Identity of the session that the subscriptions belong to. */
    long sessionId() {
        return sessionId;
    }

    public Map<TopicFilter, LiveSubscription> subscriptions() {
        return subscriptions;
    }

    /** Bytes of all its Topic Filters in UTF-8. */
    public int filterBytes() {
        return filterBytes;
    }

    /** Adds a subscription, or replaces the one with the same filter; true if there was none. */
    boolean put(LiveSubscription subscription) {
        if (subscriptions.put(subscription.filter(), subscription) != null) return false;
        filterBytes = filterBytes + subscription.filter().bytes();
        return true;
    }

    /** Removes the subscription, null if there is none. */
    LiveSubscription remove(TopicFilter filter) {
        var subscription = subscriptions.remove(filter);
        if (subscription != null) filterBytes = filterBytes - filter.bytes();
        return subscription;
    }

    /** The connection that holds the session, null while it is offline. */
    public Recipient recipient() {
        return recipient;
    }

    /** Whether messages of QoS 1 and 2 wait for it in PostgreSQL. */
    boolean isDurable() {
        return durable;
    }

    void attach(Recipient recipient, boolean durable) {
        this.full = false;
        this.durable = durable;
        this.recipient = recipient;
        tellGroups();
    }

    void detach() {
        recipient = null;
        tellGroups();
    }

    private void tellGroups() {
        for (var subscription : subscriptions.values())
            if (subscription.group() != null) subscription.group().put(subscription);
    }

    void restore() {
        durable = true;
    }

    /** Whether it can take a message now. */
    boolean isReady() {
        var here = recipient;
        return here != null && here.isReady();
    }

    /** Tells the connection of a message that is committed to the client's queue. Without one, the next connection finds it there. */
    void tell(Delivery delivery) {
        lastSeq.accumulateAndGet(delivery.seq(), Math::max);
        var here = recipient;
        if (here != null) here.deliver(delivery);
    }

    /** A message for its queue has found no such session; from any thread. */
    void sessionIsGone() {
        gone = true;
        ended.accept(clientId, sessionId);
    }

    /** Whether its session is known to have ended. */
    boolean isGone() {
        return gone;
    }

    /** A message has found its queue full; from any thread. */
    public void queueIsFull() {
        fullUntil = System.nanoTime() + FULL.toNanos();
        full = true;
    }

    /** Whether its queue has been full lately, so that others may have room sooner. */
    boolean isFull() {
        return full && System.nanoTime() - fullUntil < 0;
    }

    /** The last place in the client's queue that this gateway has heard of. */
    public long lastSeq() {
        return lastSeq.get();
    }
}
