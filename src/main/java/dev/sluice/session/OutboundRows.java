package dev.sluice.session;

import java.util.ArrayDeque;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * How far a client has come in its durable queue, and the next rows of it; confined to the connection's event loop. Rows come one
 * by one as they are committed; a client that cannot keep up with that is behind, and has them read page by page.
 *
 * <p>While memory is scarce, none wait here: only what can be sent at once is taken, or read. So nobody waits for what others give back.
 */
final class OutboundRows {
    private final Limits limits;
    private final QueueMemory memory;
    private final Predicate<Delivery> admitted;
    /** The next rows to send, in order; null before the first. */
    private ArrayDeque<Delivery> waiting;
    /** Rows that were announced before earlier ones, or during a load that may lead up to them; null for none. */
    private TreeMap<Long, Delivery> outOfOrder;
    /** Bytes of both. */
    private long bytes;
    /** Bytes that the page may have that is being read. */
    private int reserved;
    /** What {@link #memory} knows of these. */
    private long charged;
    /** All rows up to here have been sent, or wait to be, or are done with. */
    private long lastSeq;
    /** The place of the last message that the queue had when the session was opened. */
    private final long openedAt;
    /** True if rows after the last one have to be read. */
    private boolean behind;

    private boolean loading;
    private boolean loadHasFailed;
    /** True if a row was announced during the load, and not kept. */
    private boolean missedDuringLoad;

    /**
     * @param admitted whether a row would be sent at once
     * @param lastSeq place of the last row that was put into the queue
     * @param queued whether there are rows
     */
    OutboundRows(Limits limits, QueueMemory memory, Predicate<Delivery> admitted, long lastSeq, boolean queued) {
        this.limits = limits;
        this.memory = memory;
        this.admitted = admitted;
        this.lastSeq = queued ? 0 : lastSeq;
        this.openedAt = lastSeq;
        this.behind = queued;
    }

    /** Returns whether no row waits, in memory or in PostgreSQL. */
    boolean isCaughtUp() {
        return !behind && isEmpty();
    }

    Delivery first() {
        return waiting == null ? null : waiting.peek();
    }

    Delivery poll() {
        var row = waiting.remove();
        bytes -= row.bytes();
        return row;
    }

    /** A row has been committed. Rows of one queue may be announced out of order, because several clients publish. */
    void tell(Delivery row) {
        var seq = row.seq();
        if (seq <= lastSeq) return;
        if (behind && !loading) return; // the next load reads it
        if (!behind && seq == lastSeq + 1) {
            if (fits(row) || isEmpty() && admitted.test(row)) append(row);
            else fallBehind();
            takeInOrder();
        } else if (fits(row)) {
            if (outOfOrder == null) outOfOrder = new TreeMap<>();
            if (outOfOrder.put(seq, row) == null) bytes += row.bytes();
        } else if (loading) {
            missedDuringLoad = true;
        } else {
            fallBehind();
        }
    }

    /** Rows up to here have been committed, and have to be read. */
    void queued(long seq) {
        if (seq <= lastSeq) return;
        if (loading) missedDuringLoad = true;
        else fallBehind();
    }

    private boolean fits(Delivery row) {
        if (memory.isScarce()) return false;
        var count = (waiting == null ? 0 : waiting.size()) + (outOfOrder == null ? 0 : outOfOrder.size());
        if (count == 0) return true;
        return count < limits.queuePage() && bytes + row.bytes() <= limits.queueBytes();
    }

    private void append(Delivery row) {
        if (waiting == null) waiting = new ArrayDeque<>();
        waiting.add(row);
        bytes += row.bytes();
        lastSeq = row.seq();
    }

    private void takeInOrder() {
        while (outOfOrder != null && outOfOrder.firstKey() <= lastSeq + 1) {
            var row = outOfOrder.pollFirstEntry().getValue();
            bytes -= row.bytes();
            if (outOfOrder.isEmpty()) outOfOrder = null;
            if (row.seq() > lastSeq) append(row);
        }
    }

    private void fallBehind() {
        behind = true;
        forgetOutOfOrder();
    }

    private void forgetOutOfOrder() {
        if (outOfOrder == null) return;
        for (var row : outOfOrder.values()) bytes -= row.bytes();
        outOfOrder = null;
    }

    /** The clock: a row that should have come before others has not, so all are read; and a load that failed is tried again. */
    void drained() {
        loadHasFailed = false;
        if (outOfOrder != null && !loading) fallBehind();
    }

    /**
     * Asks for the next page when nothing else waits.
     *
     * @param free how many messages the client may be sent before it answers
     */
    void load(int free, Consumer<Effect> out) {
        if (!behind || loading || loadHasFailed || !isEmpty()) return;
        var scarce = memory.isScarce();
        if (scarce && free == 0) return; // asked again when the client has answered
        loading = true;
        missedDuringLoad = false;
        reserved = scarce ? 0 : Effect.LoadQueue.MOST_BYTES;
        out.accept(new Effect.LoadQueue(lastSeq, scarce ? Math.min(free, limits.queuePage()) : limits.queuePage()));
    }

    /** Tells the memory of all clients what waits here now. */
    void account() {
        var due = bytes + reserved;
        if (due == charged) return;
        memory.add(due - charged);
        charged = due;
    }

    /** The connection is gone: what waits is read for the next one. */
    void discard() {
        waiting = null;
        outOfOrder = null;
        bytes = 0;
        reserved = 0;
        account();
    }

    private boolean isEmpty() {
        return waiting == null || waiting.isEmpty();
    }

    /** @param done takes a row and says whether there is nothing left to wait for */
    void loaded(Event.QueueLoaded page, Predicate<Delivery> done) {
        loading = false;
        reserved = 0;
        for (var row : page.rows()) {
            if (done.test(row)) lastSeq = row.seq();
            else append(row);
        }
        if (page.more()) {
            forgetOutOfOrder();
            return;
        }
        lastSeq = Math.max(lastSeq, openedAt);
        takeInOrder();
        behind = missedDuringLoad;
        if (behind) forgetOutOfOrder();
    }

    void loadFailed() {
        loading = false;
        reserved = 0;
        loadHasFailed = true;
        forgetOutOfOrder();
    }
}
