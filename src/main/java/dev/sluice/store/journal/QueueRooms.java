package dev.sluice.store.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What PostgreSQL says of the queues of some sessions. It is asked in a lane's transaction, and without a lock: what fills up meanwhile is found
 * out when the batch is written again. Used by the lane's thread, while that calls back.
 */
public final class QueueRooms {
    private static final String ASK = """
            SELECT w.id, q.count_in - o.count_out AS count, q.bytes_in - o.bytes_out AS bytes, %s AS most, %s AS most_bytes
              FROM unnest(?::bigint[]) AS w(id)
              JOIN session s ON s.id = w.id JOIN queue q ON q.session_id = w.id JOIN queue_out o ON o.session_id = w.id""";

    /** Whether a queue takes another message, and pushes none out for it. */
    public enum Room {
        SOME,
        NONE,
        /** There is no such session any more. */
        GONE
    }

    private static final Depth GONE = new Depth(-1, -1, 0, 0);

    private final Connection connection;
    private final QueueBounds bounds;
    private final Map<Long, Depth> depths = new HashMap<>();

    private record Depth(long count, long bytes, long most, long mostBytes) {}

    /** PostgreSQL has not answered. */
    static final class Unanswered extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Unanswered(SQLException cause) {
            super(cause);
        }

        SQLException failure() {
            return (SQLException) getCause();
        }
    }

    QueueRooms(Connection connection, QueueBounds bounds) {
        this.connection = connection;
        this.bounds = bounds;
    }

    /**
     * In the order of the sessions. What is known already is not asked again.
     *
     * @param bytes of the message
     */
    public List<Room> of(List<Long> sessionIds, int bytes) {
        var unknown = sessionIds.stream().filter(id -> !depths.containsKey(id)).toArray();
        if (unknown.length > 0) ask(unknown);
        return sessionIds.stream()
                .map(id -> room(depths.getOrDefault(id, GONE), bytes))
                .toList();
    }

    private void ask(Object[] sessionIds) {
        for (var id : sessionIds) depths.put((Long) id, GONE);
        try (var ask = connection.prepareStatement(ASK.formatted(bounds.most(), bounds.mostBytes()))) {
            ask.setArray(1, connection.createArrayOf("int8", sessionIds));
            try (var rows = ask.executeQuery()) {
                while (rows.next())
                    depths.put(
                            rows.getLong("id"),
                            new Depth(
                                    rows.getLong("count"),
                                    rows.getLong("bytes"),
                                    rows.getLong("most"),
                                    rows.getLong("most_bytes")));
            }
        } catch (SQLException failure) {
            throw new Unanswered(failure);
        }
    }

    private Room room(Depth depth, int bytes) {
        if (depth == GONE) return Room.GONE;
        return bounds.hasRoom(depth.count, depth.bytes, depth.most, depth.mostBytes, bytes) ? Room.SOME : Room.NONE;
    }

    /** A message is given to one of those that were asked for. */
    public void take(long sessionId, int bytes) {
        depths.computeIfPresent(
                sessionId, (_, was) -> new Depth(was.count + 1, was.bytes + bytes, was.most, was.mostBytes));
    }
}
