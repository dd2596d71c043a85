package dev.sluice.session;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/**
 * PostgreSQL and the other clients, as one session sees them: a durable queue that grows, is read, and is written by a journal
 * that takes its time. For one thread.
 */
final class QueueModel {
    private final Random random;
    private final TreeMap<Long, Delivery> rows = new TreeMap<>();
    private final List<Delivery> untold = new ArrayList<>();
    private final ArrayDeque<Effect> journal = new ArrayDeque<>();
    private Effect.LoadQueue load;
    private Event.QueueLoaded page;
    private long lastSeq;
    private long sentSeq;

    QueueModel(Random random) {
        this.random = random;
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /** @param jump places that are left out before it */
    Delivery commit(QoS qos, long expiresAt, long jump) {
        lastSeq += 1 + jump;
        var row = Mail.row(lastSeq, qos);
        if (expiresAt < Message.NEVER) row = Mail.expiring(row, expiresAt);
        rows.put(lastSeq, row);
        untold.add(row);
        return row;
    }

    /** The identifier that the row at a place has to be sent under. */
    int packetId(long seq) {
        var own = rows.containsKey(seq) ? rows.get(seq).packetId() : 0;
        return own > 0 ? own : 1 + (int) (seq % 65_535);
    }

    /** Takes what concerns the queue. */
    void take(Effect effect) {
        switch (effect) {
            case Effect.LoadQueue asked -> {
                if (load != null) throw new AssertionError("asked again before the answer: " + asked);
                load = asked;
            }
            case Effect.MarkReceived _, Effect.AssignPacketId _, Effect.Acknowledge _ -> journal.add(effect);
            case Effect.EndSession end -> sentSeq = Math.max(sentSeq, end.sentSeq());
            default -> {}
        }
    }

    /** Something that the session is told next; null for nothing. */
    Event next() {
        return switch (random.nextInt(4)) {
            case 0 -> tell();
            case 1 -> write();
            case 2 -> read();
            default -> answer();
        };
    }

    /** Those of several publishers may be told of in another order. */
    Event tell() {
        if (untold.isEmpty()) return null;
        Collections.swap(untold, random.nextInt(Math.min(3, untold.size())), 0);
        return new Event.Deliver(untold.removeFirst());
    }

    private Event write() {
        return switch (journal.poll()) {
            case Effect.Acknowledge done -> {
                rows.remove(done.seq());
                sentSeq = Math.max(sentSeq, done.sentSeq());
                yield new Event.Deleted();
            }
            case Effect.AssignPacketId assign -> {
                rows.computeIfPresent(assign.seq(), (_, row) -> Mail.assigned(row, assign.packetId()));
                yield new Event.PacketIdAssigned(assign.seq());
            }
            case Effect.MarkReceived mark -> {
                rows.computeIfPresent(mark.seq(), (_, row) -> Mail.received(row));
                yield new Event.Marked(mark.seq());
            }
            case null, default -> null;
        };
    }

    private Event read() {
        if (load == null || page != null) return null;
        if (random.nextInt(10) == 0) {
            load = null;
            return new Event.QueueFailed();
        }
        var after = rows.tailMap(load.afterSeq(), false);
        var found = after.values().stream()
                .limit(1 + random.nextInt(load.limit()))
                .map(this::asSent)
                .toList();
        page = new Event.QueueLoaded(found, found.size() < after.size());
        return null;
    }

    private Delivery asSent(Delivery row) {
        if (row.seq() > sentSeq) return row;
        var seq = row.seq();
        return new Delivery(
                row.message(), row.qos(), false, List.of(), null, seq, true, row.received(), null, row.packetId());
    }

    private Event answer() {
        var answer = page;
        if (answer != null) load = null;
        page = null;
        return answer;
    }

    /** The connection ends: writes that have come to the journal are committed, or fenced by the next open. */
    Event.SessionOpened reopen(boolean known) {
        load = null;
        page = null;
        for (int i = random.nextInt(journal.size() + 1); i > 0; i--) write();
        journal.clear();
        if (!known && !rows.isEmpty()) sentSeq = Math.max(sentSeq, sentAtMost());
        return new Event.SessionOpened(true, true, Collections.emptySortedMap(), lastSeq, !rows.isEmpty());
    }

    /** As the function of that name in the database. */
    private long sentAtMost() {
        return rows.values().stream()
                .filter(row -> !row.received())
                .skip(SessionRig.SEND_QUOTA - 1)
                .mapToLong(Delivery::seq)
                .findFirst()
                .orElse(rows.lastKey());
    }
}
