package dev.sluice.broker.routing;

import dev.sluice.broker.Connection;
import dev.sluice.session.Delivery;
import dev.sluice.topic.TopicFilter;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One client that has subscriptions, wherever it is: its interests, and its connection while it is online here. Any thread may
 * read and {@link #told tell}; {@link Router} changes it under its lock.
 */
public final class Subscriber {
    private static final int READY = 0;
    private static final int BUSY = 1;
    private static final int OFFLINE = 2;

    private final String clientId;
    private final long sessionId;
    private final Map<TopicFilter, Interest> interests = new ConcurrentHashMap<>(2);
    private final AtomicLong lastSeq = new AtomicLong();
    private volatile Connection connection;
    private volatile boolean durable;

    Subscriber(String clientId, long sessionId) {
        this.clientId = clientId;
        this.sessionId = sessionId;
    }

    String clientId() {
        return clientId;
    }

    /** Of the session that the subscriptions are of; each has an entry of its own. */
    long sessionId() {
        return sessionId;
    }

    public Map<TopicFilter, Interest> interests() {
        return interests;
    }

    /** The connection that holds the session, null while it is offline. */
    public Connection connection() {
        return connection;
    }

    /** Whether messages of QoS 1 and 2 wait for it in PostgreSQL. */
    boolean isDurable() {
        return durable;
    }

    void attach(Connection connection, boolean durable) {
        this.durable = durable;
        this.connection = connection;
    }

    void detach() {
        connection = null;
    }

    void restore() {
        durable = true;
    }

    /** How well it can take a message now; less is better. */
    int rank() {
        var here = connection;
        if (here == null) return OFFLINE;
        return here.isReady() ? READY : BUSY;
    }

    /** A message has its place in the client's queue: the connection is told, or finds out when it is attached. */
    void told(Delivery delivery) {
        lastSeq.accumulateAndGet(delivery.seq(), Math::max);
        var here = connection;
        if (here != null) here.deliver(delivery);
    }

    /** The last place in the client's queue that was told of. */
    public long lastSeq() {
        return lastSeq.get();
    }
}
