package dev.sluice.store.journal;

import java.util.List;

/** What PostgreSQL says, within a lane's transaction, of the queues of some sessions. Used by the lane's thread, while it calls back. */
public interface QueueRooms {
    /** Whether a queue takes another message, and pushes none out for it. */
    enum Room {
        SOME,
        NONE,
        /** There is no such session any more. */
        GONE
    }

    /**
     * In the order of the sessions. What is known already is not asked again.
     *
     * @param bytes of the message
     */
    List<Room> of(List<Long> sessionIds, int bytes);

    /** A message is given to one of those that were asked for. */
    void take(long sessionId, int bytes);
}
