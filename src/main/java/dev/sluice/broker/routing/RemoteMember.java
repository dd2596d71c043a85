package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;

/**
 * A member of a Shared Subscription whose client is connected to another gateway, as that one has announced. {@link RemoteMembers} makes and
 * changes it, the {@link Router} tells it, under its lock, what is known here of its session; any thread may ask.
 */
final class RemoteMember implements Member {
    private final Gateway gateway;
    private final String clientId;
    private final long sessionId;
    private final TopicFilter filter;
    private final Reach reach;
    private volatile boolean busy;
    /** Its subscription, if its session is stored and known here; else null. */
    private volatile LiveSubscription stored;

    RemoteMember(Gateway gateway, String clientId, long sessionId, TopicFilter filter, Reach reach, boolean busy) {
        this.gateway = gateway;
        this.clientId = clientId;
        this.sessionId = sessionId;
        this.filter = filter;
        this.reach = reach;
        this.busy = busy;
    }

    Gateway gateway() {
        return gateway;
    }

    @Override
    public String clientId() {
        return clientId;
    }

    @Override
    public int gatewayNumber() {
        return gateway.mailbox();
    }

    long sessionId() {
        return sessionId;
    }

    TopicFilter filter() {
        return filter;
    }

    Reach reach() {
        return reach;
    }

    /** Its gateway says that it has too much to do, or no more. */
    void busy(boolean isBusy) {
        busy = isBusy;
    }

    /** Under the router's lock. */
    void stored(LiveSubscription subscription) {
        stored = subscription;
    }

    LiveSubscription stored() {
        return stored;
    }

    /** As who it gets a message of this QoS: by its gateway, or as a session for which PostgreSQL keeps it; null if that is not known here. */
    Member as(QoS qos) {
        return reach == Reach.ALL || qos == QoS.AT_MOST_ONCE ? this : stored;
    }

    @Override
    public boolean isReady(QoS qos) {
        return !busy && !isFull() && isAble(qos);
    }

    @Override
    public boolean isAble(QoS qos) {
        var as = as(qos);
        return as == this || as != null && as.isAble(qos);
    }

    @Override
    public boolean isFull() {
        var known = stored;
        return known != null && known.isFull();
    }

    @Override
    public boolean isGone() {
        var known = stored;
        return known != null && known.isGone();
    }

    /** Connections are here. */
    @Override
    public boolean isOf(Recipient recipient) {
        return false;
    }
}
