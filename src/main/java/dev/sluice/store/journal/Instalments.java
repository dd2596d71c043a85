package dev.sluice.store.journal;

import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Outcome;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Owns the copies of one message for very many sessions, which get into the queues part by part, each part in a transaction with what others
 * write meanwhile. Confined to its lane's thread.
 *
 * <p>The parts follow the order of client ids, and a row in {@code fanout} says how far they are. It keeps the message, whose copies may all be
 * acknowledged between two parts, and lets a QoS 2 message that is sent again go on where a gateway was killed. The packet identifier, the
 * retained message and the end of a will are written with the last part, and the publisher is answered after it.
 */
final class Instalments {
    /** Most copies in one transaction: more would take too long for those who wait behind it. */
    static final int MOST = 2000;

    private static final String EARLIER = """
            SELECT f.message_id, f.done_to, m.topic = ? AND m.payload = ? AND f.session_id = s.id AS same
              FROM fanout f
              JOIN message m ON m.id = f.message_id
              LEFT JOIN session s ON s.client_id = f.client_id
             WHERE f.client_id = ? AND f.packet_id = ?""";

    private static final String FORGET = "DELETE FROM fanout WHERE client_id = ? AND packet_id = ?";
    private static final String PLACES = "SELECT session_id, seq FROM queued WHERE message_id = ?";
    private static final int PLACES_AT_ONCE = 10_000;

    private final Accept whole;
    private final List<Copy> copies;
    private final Runnable notRetained;
    private boolean mayBeRepeat;
    private boolean hasBegun;
    private boolean isDone;
    private long messageId;
    private int next;

    /**
     * Which part of a message's copies a write has.
     *
     * @param isFirst whether the message is to be stored with it
     * @param upTo the client id of the last copy
     */
    record Part(Instalments whole, boolean isFirst, boolean isLast, String upTo) {}

    /** @param notRetained told when the message will not be retained, although it was announced */
    Instalments(Accept whole, Runnable notRetained) {
        this.whole = whole;
        this.notRetained = notRetained;
        this.copies = whole.copies().stream()
                .sorted(Comparator.comparing(Copy::clientId))
                .toList();
        this.mayBeRepeat = whole.packetId() > 0;
    }

    static boolean isLarge(JournalWrite write) {
        return write instanceof Accept accept
                && accept.part() == null
                && accept.copies().size() > MOST;
    }

    /** Once, of a message that its client may have sent before: {@link #resume} has to be asked before the first part. */
    boolean takeMayBeRepeat() {
        var may = mayBeRepeat;
        mayBeRepeat = false;
        return may;
    }

    /** In the connection's transaction: finds out whether an earlier attempt has come some way, and goes on behind it. */
    Void resume(Connection connection) throws SQLException {
        try (var ask = connection.prepareStatement(EARLIER)) {
            ask.setString(1, whole.message().topicName().toString());
            ask.setBytes(2, whole.message().payload());
            ask.setString(3, whole.clientId());
            ask.setInt(4, whole.packetId());
            try (var row = ask.executeQuery()) {
                if (!row.next()) return null;
                if (row.getBoolean("same")) skip(connection, row.getLong("message_id"), row.getString("done_to"));
                else forget(connection);
                return null;
            }
        }
    }

    private void skip(Connection connection, long earlierId, String doneTo) throws SQLException {
        messageId = earlierId;
        hasBegun = true;
        var earlier = new HashMap<Long, Copy>();
        for (next = 0; next < copies.size() && copies.get(next).clientId().compareTo(doneTo) <= 0; next++) {
            copies.get(next).place(Copy.EARLIER);
            earlier.put(copies.get(next).sessionId(), copies.get(next));
        }
        place(connection, earlier);
    }

    private void place(Connection connection, Map<Long, Copy> earlier) throws SQLException {
        try (var ask = connection.prepareStatement(PLACES)) {
            ask.setFetchSize(PLACES_AT_ONCE);
            ask.setLong(1, messageId);
            try (var rows = ask.executeQuery()) {
                while (rows.next()) {
                    var copy = earlier.get(rows.getLong(1));
                    if (copy != null) copy.place(rows.getLong(2));
                }
            }
        }
    }

    /** The client has used the packet identifier anew, for another message. */
    private void forget(Connection connection) throws SQLException {
        try (var forget = connection.prepareStatement(FORGET)) {
            forget.setString(1, whole.clientId());
            forget.setInt(2, whole.packetId());
            forget.executeUpdate();
        }
    }

    /** The write of the next part; its outcome decides how it goes on. */
    Accept part() {
        var end = Math.min(next + MOST, copies.size());
        // Two copies for one client id, of which one session is there, are not parted.
        while (end > next && end < copies.size() && isSameClient(end - 1, end)) end++;
        var some = copies.subList(next, end);
        var upTo = some.isEmpty() ? "" : some.getLast().clientId();
        var part = new Part(this, !hasBegun, end == copies.size(), upTo);
        return whole.part(some, part, outcome -> settled(part, some.size(), outcome));
    }

    private boolean isSameClient(int one, int other) {
        return copies.get(one).clientId().equals(copies.get(other).clientId());
    }

    private void settled(Part part, int size, Outcome outcome) {
        if (outcome == Outcome.COMMITTED) {
            hasBegun = true;
            next += size;
            if (!part.isLast()) return;
        }
        end(outcome, part.isLast());
    }

    /** Nothing of what is left is written. */
    void refuse() {
        end(Outcome.REFUSED, false);
    }

    private void end(Outcome outcome, boolean isRetainedSettled) {
        isDone = true;
        if (!isRetainedSettled) notRetained.run();
        whole.done().accept(outcome);
    }

    boolean isDone() {
        return isDone;
    }

    String clientId() {
        return whole.clientId();
    }

    int packetId() {
        return whole.packetId();
    }

    /** Its row in {@code message}; 0 until it has a number. */
    long messageId() {
        return messageId;
    }

    /** Any attempt of the first part may give it its number. */
    void number(long id) {
        messageId = id;
    }
}
