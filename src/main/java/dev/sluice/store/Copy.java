package dev.sluice.store;

import dev.sluice.packet.QoS;
import java.util.List;

/**
 * What one persistent session is owed of one message. Immutable but for its place in the session's queue, which the journal's lane
 * writes before it tells that the {@link JournalWrite.Accept} is committed.
 */
public final class Copy {
    /** The place of a copy whose session does not exist any more. */
    public static final long NOBODY = 0;
    /** The place of a copy that the session's full queue did not take. */
    public static final long DROPPED = -1;

    private final String clientId;
    private final QoS qos;
    private final boolean retain;
    private final List<Integer> subscriptionIdentifiers;
    private final String share;
    private long seq;

    /**
     * @param qos what the subscriber is sent it with, 1 or 2
     * @param retain the RETAIN flag that the subscriber is sent
     * @param share the filter of the Shared Subscription that chose this session, null for none
     */
    public Copy(String clientId, QoS qos, boolean retain, List<Integer> subscriptionIdentifiers, String share) {
        if (qos == QoS.AT_MOST_ONCE) throw new IllegalArgumentException("a QoS 0 message is not kept");
        this.clientId = clientId;
        this.qos = qos;
        this.retain = retain;
        this.subscriptionIdentifiers = List.copyOf(subscriptionIdentifiers);
        this.share = share;
    }

    public String clientId() {
        return clientId;
    }

    public QoS qos() {
        return qos;
    }

    public boolean retain() {
        return retain;
    }

    public List<Integer> subscriptionIdentifiers() {
        return subscriptionIdentifiers;
    }

    public String share() {
        return share;
    }

    /** Once the Accept is committed: the place in the queue, from 1, or {@link #NOBODY} or {@link #DROPPED}. */
    public long seq() {
        return seq;
    }

    void place(long seq) {
        this.seq = seq;
    }
}
