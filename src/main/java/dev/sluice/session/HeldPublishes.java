package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import java.util.ArrayDeque;

/**
 * The PUBLISHes that were read and may not go on yet, in the order received; confined to the connection's event loop. Empty, it holds
 * no collection.
 */
final class HeldPublishes {
    /** Bytes of the objects around a PUBLISH. */
    private static final int OVERHEAD = 128;

    /** @param receivedAt milliseconds since 1970 */
    record Held(Packet.Publish publish, long receivedAt) {}

    private final Holding holding;
    private ArrayDeque<Held> waiting;
    private long bytes;
    /** Those of QoS 1 and 2. */
    private int toBeAnswered;

    HeldPublishes(Holding holding) {
        this.holding = holding;
    }

    boolean isEmpty() {
        return waiting == null;
    }

    /** Whether no more may be read: this client's bytes, or those of all clients, are at their bound. */
    boolean isFull() {
        return waiting != null && (bytes >= holding.most() || holding.memory().isFull());
    }

    int size() {
        return waiting == null ? 0 : waiting.size();
    }

    /** Returns how many of QoS 1 and 2 are among them. */
    int toBeAnswered() {
        return toBeAnswered;
    }

    void add(Packet.Publish publish, long receivedAt) {
        if (waiting == null) waiting = new ArrayDeque<>();
        waiting.add(new Held(publish, receivedAt));
        count(publish, 1);
    }

    Held first() {
        return waiting == null ? null : waiting.peek();
    }

    Held poll() {
        var first = waiting.remove();
        count(first.publish(), -1);
        if (waiting.isEmpty()) waiting = null;
        return first;
    }

    private void count(Packet.Publish publish, int sign) {
        var weight = sign * bytes(publish);
        bytes += weight;
        holding.memory().add(weight);
        if (publish.qos() != QoS.AT_MOST_ONCE) toBeAnswered += sign;
    }

    /** The weight of a PUBLISH in memory, its properties included. */
    private static long bytes(Packet.Publish publish) {
        return (long) OVERHEAD
                + publish.topicName().utf8().length
                + publish.payload().length
                + publish.properties().bytes();
    }

    /** Gives up all of them; returns how many there were. */
    int discard() {
        var size = size();
        holding.memory().add(-bytes);
        bytes = 0;
        toBeAnswered = 0;
        waiting = null;
        return size;
    }
}
