package dev.sluice.session;

import dev.sluice.packet.QoS;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/**
 * The messages in memory that wait until a client can be sent them, bounded by count and bytes; confined to the connection's
 * event loop. QoS 0 has a line of its own, because it need not wait for the client's answers; order is kept within each line
 * [MQTT-4.6.0-5].
 */
final class OutboundQueue {
    /** @param turn the smaller, the longer it waits */
    private record Waiting(Delivery delivery, long turn) {}

    private static final class Line {
        private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
        private long bytes;

        void add(Waiting one) {
            waiting.add(one);
            bytes += one.delivery.bytes();
        }

        Delivery poll() {
            var delivery = waiting.remove().delivery;
            bytes -= delivery.bytes();
            return delivery;
        }
    }

    private final Limits limits;
    private final QueueMemory memory;
    /** Null before the first message that has to wait, like {@link #ackedLine}. */
    private Line qos0Line;
    /** QoS 1 and 2. */
    private Line ackedLine;

    private long turns;

    OutboundQueue(Limits limits, QueueMemory memory) {
        this.limits = limits;
        this.memory = memory;
    }

    boolean isEmpty() {
        return qos0Line == null || qos0Line.waiting.isEmpty() && ackedLine.waiting.isEmpty();
    }

    /** Returns whether a message of this QoS has to queue behind another. */
    boolean hasBefore(QoS qos) {
        return qos0Line != null && !line(qos).waiting.isEmpty();
    }

    /** The first of QoS 1 and 2, null for none. */
    Delivery first() {
        var first = ackedLine == null ? null : ackedLine.waiting.peek();
        return first == null ? null : first.delivery;
    }

    Delivery poll(QoS qos) {
        return poll(line(qos));
    }

    private Delivery poll(Line line) {
        var delivery = line.poll();
        memory.giveBack(delivery.bytes());
        return delivery;
    }

    /** Takes a message, or drops one or several as the policy says. */
    void offer(Delivery delivery, Consumer<Effect> out) {
        if (qos0Line == null) {
            qos0Line = new Line();
            ackedLine = new Line();
        }
        if (!makeRoom(delivery, out)) drop(delivery, Effect.Why.QUEUE_FULL, out);
        else if (!memory.take(delivery.bytes())) drop(delivery, Effect.Why.MEMORY_FULL, out);
        else line(delivery.qos()).add(new Waiting(delivery, turns++));
    }

    private boolean makeRoom(Delivery delivery, Consumer<Effect> out) {
        var bytes = delivery.bytes();
        switch (limits.queuePolicy()) {
            case DROP_NEWEST -> {}
            case DROP_OLDEST -> {
                if (!fits(0, bytes)) return false;
                while (!fits(count(), bytes() + bytes)) drop(poll(oldest()), Effect.Why.QUEUE_FULL, out);
            }
            case DROP_QOS0_FIRST -> {
                if (!fits(ackedLine.waiting.size(), ackedLine.bytes + bytes)) return false;
                while (!fits(count(), bytes() + bytes)) drop(poll(qos0Line), Effect.Why.QUEUE_FULL, out);
            }
        }
        return fits(count(), bytes() + bytes);
    }

    /** Returns whether one more may join so many. */
    private boolean fits(int count, long bytesWithIt) {
        return count < limits.queueCount() && bytesWithIt <= limits.queueBytes();
    }

    private Line oldest() {
        var first = qos0Line.waiting.peek();
        var other = ackedLine.waiting.peek();
        if (first == null) return ackedLine;
        return other == null || first.turn < other.turn ? qos0Line : ackedLine;
    }

    private static void drop(Delivery delivery, Effect.Why why, Consumer<Effect> out) {
        out.accept(new Effect.Drop(delivery, why));
        Outbound.settle(delivery, Receipt.Outcome.LOST, out);
    }

    /** The session is over: what waits is lost. */
    void lose(Consumer<Effect> out) {
        if (qos0Line == null) return;
        for (var one : qos0Line.waiting) Outbound.settle(one.delivery, Receipt.Outcome.LOST, out);
        for (var one : ackedLine.waiting) Outbound.settle(one.delivery, Receipt.Outcome.LOST, out);
    }

    private int count() {
        return qos0Line.waiting.size() + ackedLine.waiting.size();
    }

    private long bytes() {
        return qos0Line.bytes + ackedLine.bytes;
    }

    private Line line(QoS qos) {
        return qos == QoS.AT_MOST_ONCE ? qos0Line : ackedLine;
    }

    /** Nobody gets what waits any more. */
    void discard() {
        if (qos0Line == null) return;
        memory.giveBack(bytes());
        qos0Line = null;
        ackedLine = null;
    }

    /** Messages of QoS 1 and 2 for which a Shared Subscription chose this client. */
    List<Delivery> shared() {
        if (ackedLine == null) return List.of();
        return ackedLine.waiting.stream()
                .map(Waiting::delivery)
                .filter(delivery -> delivery.share() != null && delivery.receipt() == null)
                .toList();
    }
}
