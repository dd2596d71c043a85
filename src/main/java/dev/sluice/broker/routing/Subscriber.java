package dev.sluice.broker.routing;

import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.ObjLongConsumer;

/**
 * One client with its subscriptions, and with its connection while it is online here. Any thread may
 * read and {@link #tell}; {@link Router} changes it under its lock.
 */
public final class Subscriber {
    /** A queue is full for longer than this, or its client is back: who is ready is asked first. */
    private static final Duration FULL = Duration.ofSeconds(10);

    /** As there may be millions of subscribers, none has an object of its own for this. */
    private static final AtomicLongFieldUpdater<Subscriber> LAST_SEQ =
            AtomicLongFieldUpdater.newUpdater(Subscriber.class, "lastSeq");

    private final String clientId;
    private final long sessionId;
    private final ObjLongConsumer<String> ended;
    private final Map<TopicFilter, LiveSubscription> subscriptions = new Subscriptions();
    private volatile long lastSeq;
    /** Of the filters. */
    private volatile int filterBytes;
    /** Of the connection that has told last what it has, under the router's lock. */
    private long epoch;

    private volatile int shared;

    private volatile Recipient recipient;
    private volatile boolean durable;
    private volatile boolean gone;
    /** Whether its queue has been full, and until when that is taken to be so. */
    private volatile boolean full;
    /** As what its subscriptions count in the interest of this gateway. */
    private Counted counted = Counted.NOT;

    private volatile long fullUntil;

    /** What its subscriptions count as. */
    enum Counted {
        /** Its client is not connected here. */
        NOT,
        DURABLE,
        LIVE
    }

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
    public long sessionId() {
        return sessionId;
    }

    public Map<TopicFilter, LiveSubscription> subscriptions() {
        return subscriptions;
    }

    /** Whether it has this one already, as far as routing goes. */
    boolean has(TopicFilter filter, StoredSubscription stored) {
        var known = subscriptions.get(filter);
        return known != null && known.isAs(stored);
    }

    /** Bytes of all its Topic Filters in UTF-8. */
    public int filterBytes() {
        return filterBytes;
    }

    /** How many Shared Subscriptions it has. */
    public int shared() {
        return shared;
    }

    /** Adds a subscription, or replaces the one with the same filter; true if there was none. */
    boolean put(LiveSubscription subscription) {
        if (subscriptions.put(subscription.filter(), subscription) != null) return false;
        filterBytes = filterBytes + subscription.filter().bytes();
        if (subscription.filter().isShared()) shared = shared + 1;
        return true;
    }

    /** Removes the subscription, null if there is none. */
    LiveSubscription remove(TopicFilter filter) {
        var subscription = subscriptions.remove(filter);
        if (subscription == null) return null;
        filterBytes = filterBytes - filter.bytes();
        if (filter.isShared()) shared = shared - 1;
        return subscription;
    }

    /** The connection that holds the session, null while it is offline. */
    public Recipient recipient() {
        return recipient;
    }

    /** Whether messages of QoS 1 and 2 wait for it in PostgreSQL. */
    public boolean isDurable() {
        return durable;
    }

    void attach(Recipient recipient, boolean durable) {
        this.full = false;
        this.durable = durable;
        this.epoch = recipient.epoch();
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

    /** It is a stored session; under the router's lock. */
    void restore(long epoch) {
        this.durable = true;
        this.epoch = epoch;
    }

    /** Under the router's lock. */
    long epoch() {
        return epoch;
    }

    /** Under the router's lock. */
    Counted counted() {
        return counted;
    }

    /** Under the router's lock. */
    void countAs(Counted now) {
        counted = now;
    }

    /** Whether it can take a message now. */
    boolean isReady() {
        var here = recipient;
        return here != null && here.isReady();
    }

    /** Tells the connection of a message that is committed to the client's queue. Without one, the next connection finds it there. */
    void tell(Delivery delivery) {
        LAST_SEQ.accumulateAndGet(this, delivery.seq(), Math::max);
        var here = recipient;
        if (here != null) here.deliver(delivery);
    }

    /** A message for its queue has found no such session; from any thread. */
    void sessionIsGone() {
        gone = true;
        ended.accept(clientId, sessionId);
    }

    /** Its session has ended. */
    void end() {
        gone = true;
    }

    /** Messages up to this place were committed to its queue by another gateway: has the connection read them; from any thread. */
    public void queued(long seq) {
        LAST_SEQ.accumulateAndGet(this, seq, Math::max);
        var here = recipient;
        if (here != null) here.tell(new Event.Queued(seq));
    }

    /** Whether messages were committed to its queue is not certain: the connection looks; from any thread. */
    void mayBeQueued() {
        var here = recipient;
        if (here != null) here.tell(new Event.Queued(Long.MAX_VALUE));
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

    /** It has been asked for, and takes messages again; from any thread. */
    void queueHasRoom() {
        if (full) full = false;
    }

    /** Whether its queue has been full lately, so that others may have room sooner. */
    boolean isFull() {
        return full && System.nanoTime() - fullUntil < 0;
    }

    /** The last place in the client's queue that this gateway has heard of. */
    public long lastSeq() {
        return lastSeq;
    }

    static final class Subscriptions extends FewSubscriptions<LiveSubscription> {
        @Override
        TopicFilter filter(LiveSubscription subscription) {
            return subscription.filter();
        }
    }
}
