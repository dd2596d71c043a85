package dev.sluice.store.journal;

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
    /** The place of a copy that an earlier attempt put into the queue, of which the session has it since. */
    public static final long EARLIER = -2;

    /** For a copy that whatever session the client has is owed. */
    public static final long ANY_SESSION = 0;

    private final String clientId;
    private final long sessionId;
    private final QoS qos;
    private final boolean retain;
    private final List<Integer> subscriptionIdentifiers;
    private final String share;
    private long seq;

    /**
     * @param sessionId identity of the session that is owed it: one that the client begins meanwhile does not get it
     * @param qos what the subscriber is sent it with, 1 or 2
     * @param retain the RETAIN flag that the subscriber is sent
     * @param share the filter of the Shared Subscription that chose this session, null for none
     */
    public Copy(
            String clientId,
            long sessionId,
            QoS qos,
            boolean retain,
            List<Integer> subscriptionIdentifiers,
            String share) {
        if (qos == QoS.AT_MOST_ONCE) throw new IllegalArgumentException("a QoS 0 message is not kept");
        this.clientId = clientId;
        this.sessionId = sessionId;
        this.qos = qos;
        this.retain = retain;
        this.subscriptionIdentifiers = List.copyOf(subscriptionIdentifiers);
        this.share = share;
    }

    public String clientId() {
        return clientId;
    }

    public long sessionId() {
        return sessionId;
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

    /** Once the Accept is committed: the place in the queue, from 1, or {@link #NOBODY}, {@link #DROPPED} or {@link #EARLIER}. */
    public long seq() {
        return seq;
    }

    void place(long seq) {
        this.seq = seq;
    }
}
