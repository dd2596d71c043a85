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
            bytes += one.delivery.message().bytes();
        }

        Delivery poll() {
            var delivery = waiting.remove().delivery;
            bytes -= delivery.message().bytes();
            return delivery;
        }
    }

    private final Limits limits;
    private final QueueMemory memory;
    /** QoS 0, and QoS 1 with 2; null before the first that has to wait. */
    private Line atMostOnce;

    private Line acknowledged;
    private long turns;

    OutboundQueue(Limits limits, QueueMemory memory) {
        this.limits = limits;
        this.memory = memory;
    }

    boolean isEmpty() {
        return atMostOnce == null || atMostOnce.waiting.isEmpty() && acknowledged.waiting.isEmpty();
    }

    /** Whether a message of this QoS has to queue behind another. */
    boolean hasBefore(QoS qos) {
        return atMostOnce != null && !line(qos).waiting.isEmpty();
    }

    /** The first of QoS 1 and 2, null for none. */
    Delivery first() {
        var first = acknowledged == null ? null : acknowledged.waiting.peek();
        return first == null ? null : first.delivery;
    }

    Delivery poll(QoS qos) {
        return poll(line(qos));
    }

    private Delivery poll(Line line) {
        var delivery = line.poll();
        memory.giveBack(delivery.message().bytes());
        return delivery;
    }

    /** Takes a message, or drops one or several as the policy says. */
    void offer(Delivery delivery, Consumer<Effect> out) {
        if (atMostOnce == null) {
            atMostOnce = new Line();
            acknowledged = new Line();
        }
        if (!makeRoom(delivery, out)) drop(delivery, Effect.Why.QUEUE_FULL, out);
        else if (!memory.take(delivery.message().bytes())) drop(delivery, Effect.Why.MEMORY_FULL, out);
        else line(delivery.qos()).add(new Waiting(delivery, turns++));
    }

    private boolean makeRoom(Delivery delivery, Consumer<Effect> out) {
        var bytes = delivery.message().bytes();
        switch (limits.queuePolicy()) {
            case DROP_NEWEST -> {}
            case DROP_OLDEST -> {
                if (!fits(0, bytes)) return false;
                while (!fits(count(), bytes() + bytes)) drop(poll(oldest()), Effect.Why.QUEUE_FULL, out);
            }
            case DROP_QOS0_FIRST -> {
                if (!fits(acknowledged.waiting.size(), acknowledged.bytes + bytes)) return false;
                while (!fits(count(), bytes() + bytes)) drop(poll(atMostOnce), Effect.Why.QUEUE_FULL, out);
            }
        }
        return fits(count(), bytes() + bytes);
    }

    /** Whether one more may join so many. */
    private boolean fits(int count, long bytesWithIt) {
        return count < limits.queueCount() && bytesWithIt <= limits.queueBytes();
    }

    private Line oldest() {
        var first = atMostOnce.waiting.peek();
        var other = acknowledged.waiting.peek();
        if (first == null) return acknowledged;
        return other == null || first.turn < other.turn ? atMostOnce : acknowledged;
    }

    private static void drop(Delivery delivery, Effect.Why why, Consumer<Effect> out) {
        out.accept(new Effect.Drop(delivery, why));
        Outbound.settle(delivery, Receipt.Outcome.LOST, out);
    }

    /** The session is over: what waits is lost. */
    void lose(Consumer<Effect> out) {
        if (atMostOnce == null) return;
        for (var one : atMostOnce.waiting) Outbound.settle(one.delivery, Receipt.Outcome.LOST, out);
        for (var one : acknowledged.waiting) Outbound.settle(one.delivery, Receipt.Outcome.LOST, out);
    }

    private int count() {
        return atMostOnce.waiting.size() + acknowledged.waiting.size();
    }

    private long bytes() {
        return atMostOnce.bytes + acknowledged.bytes;
    }

    private Line line(QoS qos) {
        return qos == QoS.AT_MOST_ONCE ? atMostOnce : acknowledged;
    }

    /** Nobody gets what waits any more. */
    void discard() {
        if (atMostOnce == null) return;
        memory.giveBack(bytes());
        atMostOnce = null;
        acknowledged = null;
    }

    /** Those of QoS 1 and 2 that a Shared Subscription chose this client for. */
    List<Delivery> shared() {
        if (acknowledged == null) return List.of();
        return acknowledged.waiting.stream()
                .map(Waiting::delivery)
                .filter(delivery -> delivery.share() != null && delivery.receipt() == null)
                .toList();
    }
}
