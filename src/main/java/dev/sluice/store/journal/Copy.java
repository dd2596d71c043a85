package dev.sluice.store.journal;

import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import java.util.List;

/**
 * What one persistent session is owed of one message. Immutable but for its place in the session's queue, and for the session itself if it
 * is {@link #substitutable}: the journal's lane writes them before it tells that the {@link JournalWrite.Accept} is committed.
 */
public final class Copy {
    /** The place of a copy whose session does not exist any more. */
    public static final long NOBODY = 0;
    /** The place of a copy that the session's full queue did not take. */
    public static final long DROPPED = -1;
    /** The place of a copy that an earlier attempt put into the queue, of which the session has it since. */
    public static final long EARLIER = -2;
    /** The place of a copy that PostgreSQL is not to keep, after all. */
    public static final long WITHDRAWN = -3;

    /** For a copy that whatever session the client has is owed. */
    public static final long ANY_SESSION = 0;

    private final String share;
    private String clientId;
    private long sessionId;
    private QoS qos;
    private boolean retain;
    private List<Integer> subscriptionIdentifiers;
    private Substitution substitution;
    private long seq;

    /** Finds another session for the copy of a Shared Subscription whose own session has ended, or has a full queue. */
    @FunctionalInterface
    public interface Substitution {
        /**
         * {@link Copy#reassign Reassigns} the copy, {@link Copy#withdraw withdraws} it, or leaves it as it was {@link Copy#seq placed}.
         * Called on the lane's thread, in a transaction that is not committed: must not block.
         *
         * @param rooms to ask which others have room, for this call
         * @return whether it was reassigned, so that the transaction is to be done again
         */
        boolean substitute(QueueRooms rooms);
    }

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
        this.share = share;
        reassign(clientId, sessionId, qos, retain, subscriptionIdentifiers);
    }

    /** Gives it to another session. */
    public void reassign(
            String clientId, long sessionId, QoS qos, boolean retain, List<Integer> subscriptionIdentifiers) {
        if (qos == QoS.AT_MOST_ONCE) throw new IllegalArgumentException("a QoS 0 message is not kept");
        this.clientId = clientId;
        this.sessionId = sessionId;
        this.qos = qos;
        this.retain = retain;
        this.subscriptionIdentifiers = List.copyOf(subscriptionIdentifiers);
    }

    /** Lets another session take its place before it is committed for nobody, or in a full queue. */
    public void substitutable(Substitution substitution) {
        this.substitution = substitution;
    }

    /** PostgreSQL is not to keep it; only for a copy that no queue has taken. */
    public void withdraw() {
        seq = WITHDRAWN;
    }

    boolean isWithdrawn() {
        return seq == WITHDRAWN;
    }

    /**
     * After the statement that places it.
     *
     * @param pushesOut whether older messages have to go from the queue for it
     * @param rooms to ask which others have room
     * @return whether it was reassigned, and is to be placed again
     */
    boolean substitute(boolean pushesOut, QueueRooms rooms) {
        return substitution != null && (seq <= 0 || pushesOut) && substitution.substitute(rooms);
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

    /** Returns its weight in bytes beside its message. */
    int bytes() {
        return Properties.bytes(subscriptionIdentifiers);
    }

    public String share() {
        return share;
    }

    /** Once the Accept is committed: the place in the queue, from 1, or {@link #NOBODY}, {@link #DROPPED}, {@link #EARLIER} or {@link #WITHDRAWN}. */
    public long seq() {
        return seq;
    }

    void place(long seq) {
        this.seq = seq;
    }
}
