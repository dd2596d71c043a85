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
    /**
     * Bytes that a client may hold whatever others do: a few ordinary messages. So nobody who publishes little is made deaf by those who
     * publish much. A client comes to less than twice as much, as its last message may have as many by itself.
     */
    static final int RESERVE = 1024;

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

    /** Whether no more may be read: this client's bytes are at their bound, or those of all clients, and this one has its reserve. */
    boolean isFull() {
        return bytes >= holding.most() || bytes >= RESERVE && holding.memory().isFull();
    }

    /** Whether it may be held: not a large one while the bytes of all clients are at their bound. */
    boolean hasRoomFor(Packet.Publish publish) {
        return bytes(publish) <= RESERVE || !holding.memory().isFull();
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
