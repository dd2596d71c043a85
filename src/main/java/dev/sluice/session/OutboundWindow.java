package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The QoS 1 and 2 messages that a client was sent and is not done with: packet identifiers, send quota (section 4.9), answers
 * (section 4.3). Confined to the connection's event loop.
 *
 * <p>Messages that another client may have to get are kept until they are answered, and take from what all clients have for those that wait.
 */
final class OutboundWindow {
    private static final int PACKET_IDS = 65_535;

    private enum Awaiting {
        PUBACK,
        PUBREC,
        /** The journal's note of the PUBREC. */
        MARK,
        PUBCOMP
    }

    private static final class Exchange {
        private final long seq;
        /** True if it counts towards the quota: the PUBLISH was sent on this connection. */
        private final boolean counted;
        /** The message that another client gets if this session ends before the answer; else null. */
        private final Delivery returned;
        /** Gets the outcome; null if nobody asks, or once it has been given. */
        private Receipt receipt;

        private Awaiting awaiting;

        Exchange(long seq, boolean counted, Delivery returned, Receipt receipt, Awaiting awaiting) {
            this.seq = seq;
            this.counted = counted;
            this.returned = returned;
            this.receipt = receipt;
            this.awaiting = awaiting;
        }
    }

    private final boolean v5;
    private final int quota;
    private final long mostBytes;
    private final QueueMemory memory;
    /** Of the messages that are kept. */
    private long bytes;
    /** By packet identifier, in the order sent; null before the first. */
    private Map<Integer, Exchange> exchanges;

    /** Packet identifiers of rows that have not that of their place; null before the first. */
    private Map<Long, Integer> assigned;
    /** The place of the row whose identifier the journal does not know yet, 0 for none. */
    private long assigning;

    private int unanswered;
    /** Rows that are answered or given up, which the journal has not written yet: after a kill, no more than the quota count as sent. */
    private int unwritten;

    private int marking;
    private int lastId;
    private long sentSeq;

    /** @param mostBytes of messages that are kept until they are answered, or one message */
    OutboundWindow(boolean v5, int quota, long mostBytes, QueueMemory memory) {
        this.v5 = v5;
        this.quota = quota;
        this.mostBytes = mostBytes;
        this.memory = memory;
    }

    /** Returns whether one more PUBLISH may be sent [MQTT-3.3.4-9]. */
    boolean isOpen() {
        return unanswered + unwritten < quota && size() < PACKET_IDS && mayKeepMore();
    }

    /** Returns how many PUBLISHes may be sent before an answer. */
    int free() {
        return isOpen() ? Math.min(quota - unanswered - unwritten, PACKET_IDS - size()) : 0;
    }

    /** One that has nothing to answer for is sent the next message whatever others leave unanswered. */
    private boolean mayKeepMore() {
        return bytes == 0 || bytes < mostBytes && !memory.isFull();
    }

    int size() {
        return exchanges == null ? 0 : exchanges.size();
    }

    /** Returns whether an answer of the client waits for the journal. */
    boolean isWaiting() {
        return marking > 0 || assigning > 0;
    }

    /** The highest place of the durable queue that was sent, 0 for none. */
    long sentSeq() {
        return sentSeq;
    }

    /**
     * The packet identifier to send the message with: the same on every connection for a row of the durable queue
     * [MQTT-4.4.0-1], the next free one for any other, of which the {@link #isOpen open} window has one.
     *
     * @return 0 if it is in use, so that the message has to wait [MQTT-2.2.1-4]
     */
    int packetId(Delivery delivery) {
        if (delivery.isDurable()) {
            if (assigning == delivery.seq()) return 0;
            var packetId = delivery.packetId() > 0 ? delivery.packetId() : packetId(delivery.seq());
            return isFree(packetId) ? packetId : 0;
        }
        var packetId = lastId;
        do packetId = packetId % PACKET_IDS + 1;
        while (!isFree(packetId));
        return packetId;
    }

    private int packetId(long seq) {
        var own = assigned == null ? null : assigned.get(seq);
        return own == null ? placeId(seq) : own;
    }

    private static int placeId(long seq) {
        return 1 + (int) (seq % PACKET_IDS);
    }

    private boolean isFree(int packetId) {
        if (assigning > 0 && packetId(assigning) == packetId) return false;
        return exchanges == null || !exchanges.containsKey(packetId);
    }

    /**
     * Chooses a packet identifier for a row whose own one is in use, far from those of the rows that follow it. It is to be sent once the
     * journal knows the choice: a client that has it must be sent it under the same one again [MQTT-4.4.0-1].
     *
     * @return 0 if another choice is under way
     */
    int assign(long seq) {
        if (assigning > 0 || !isOpen()) return 0;
        var packetId = (placeId(seq) + PACKET_IDS / 2) % PACKET_IDS;
        do packetId = packetId % PACKET_IDS + 1;
        while (!isFree(packetId));
        if (assigned == null) assigned = new HashMap<>();
        assigned.put(seq, packetId);
        assigning = seq;
        return packetId;
    }

    /** The journal knows the choice. */
    void assigned(long seq) {
        if (assigning == seq) assigning = 0;
    }

    /** The row is not sent any more. */
    void drop(Delivery row, Consumer<Effect> out) {
        if (assigned != null) assigned.remove(row.seq());
        delete(row.seq(), out);
    }

    private void delete(long seq, Consumer<Effect> out) {
        unwritten++;
        out.accept(new Effect.Acknowledge(seq, sentSeq));
    }

    /** The journal has deleted a row. */
    void deleted() {
        unwritten--;
    }

    /** The PUBLISH is out. */
    void sent(Delivery delivery, int packetId) {
        if (!delivery.isDurable()) lastId = packetId;
        unanswered++;
        var atLeastOnce = delivery.qos() == QoS.AT_LEAST_ONCE;
        // Nobody else gets a QoS 2 message that was sent [MQTT-4.8.2-5]. A durable one is in PostgreSQL. Who sent one
        // with a receipt learns from that what became of it.
        var mayGoOn = delivery.share() != null && !delivery.isDurable() && delivery.receipt() == null;
        var returned = atLeastOnce && mayGoOn ? delivery : null;
        if (returned != null) keep(returned.bytes());
        var awaiting = atLeastOnce ? Awaiting.PUBACK : Awaiting.PUBREC;
        noteAssigned(delivery);
        add(packetId, new Exchange(delivery.seq(), true, returned, delivery.receipt(), awaiting));
    }

    /** @param size negative for a message that is kept no longer */
    private void keep(long size) {
        bytes += size;
        memory.add(size);
    }

    /** Sends PUBREL for a row whose PUBLISH was sent on an earlier connection; the quota does not count it (section 4.9). */
    void release(Delivery row, int packetId, Consumer<Effect> out) {
        noteAssigned(row);
        add(packetId, new Exchange(row.seq(), false, null, null, Awaiting.PUBCOMP));
        out.accept(new Effect.Send(new Packet.PubRel(packetId)));
    }

    /** A row that was sent on an earlier connection and is not sent again: its identifier is released as if the client had answered PUBREC. */
    void giveUp(Delivery row, int packetId, Consumer<Effect> out) {
        noteAssigned(row);
        add(packetId, new Exchange(row.seq(), false, null, null, Awaiting.MARK));
        unwritten++;
        mark(row.seq(), out);
    }

    private void mark(long seq, Consumer<Effect> out) {
        marking++;
        out.accept(new Effect.MarkReceived(seq));
    }

    private void noteAssigned(Delivery row) {
        if (row.packetId() == 0) return;
        if (assigned == null) assigned = new HashMap<>();
        assigned.put(row.seq(), row.packetId());
    }

    private void add(int packetId, Exchange exchange) {
        if (exchanges == null) exchanges = new LinkedHashMap<>();
        exchanges.put(packetId, exchange);
        sentSeq = Math.max(sentSeq, exchange.seq);
    }

    void acknowledged(Packet.PubAck answer, Consumer<Effect> out) {
        var exchange = find(answer.packetId());
        if (exchange == null) return;
        require(exchange.awaiting == Awaiting.PUBACK, "PUBACK", answer.packetId());
        complete(answer.packetId(), exchange, outcome(answer.reason()), out);
    }

    private static Receipt.Outcome outcome(ReasonCode answer) {
        return answer.isError() ? Receipt.Outcome.REJECTED : Receipt.Outcome.DELIVERED;
    }

    /** @param known whether an identifier that is not in the window can only be one of no message */
    void received(Packet.PubRec answer, boolean known, Consumer<Effect> out) {
        var packetId = answer.packetId();
        var exchange = find(packetId);
        if (exchange == null) {
            if (known) out.accept(new Effect.Send(unknown(packetId)));
            return;
        }
        require(exchange.awaiting != Awaiting.PUBACK, "PUBREC", packetId);
        switch (exchange.awaiting) {
            case PUBREC -> {
                if (answer.reason().isError()) {
                    complete(packetId, exchange, Receipt.Outcome.REJECTED, out);
                } else if (exchange.seq > 0) {
                    exchange.awaiting = Awaiting.MARK;
                    mark(exchange.seq, out);
                } else {
                    exchange.awaiting = Awaiting.PUBCOMP;
                    settle(exchange, Receipt.Outcome.DELIVERED, out);
                    out.accept(new Effect.Send(new Packet.PubRel(packetId)));
                }
            }
            case PUBCOMP -> out.accept(new Effect.Send(new Packet.PubRel(packetId)));
            case PUBACK, MARK -> {}
        }
    }

    private Packet.PubRel unknown(int packetId) {
        var reason = v5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS;
        return new Packet.PubRel(packetId, reason, Properties.NONE);
    }

    void marked(long seq, Consumer<Effect> out) {
        var packetId = packetId(seq);
        var exchange = find(packetId);
        if (exchange == null || exchange.seq != seq || exchange.awaiting != Awaiting.MARK) return;
        exchange.awaiting = Awaiting.PUBCOMP;
        marking--;
        if (!exchange.counted) unwritten--;
        out.accept(new Effect.Send(new Packet.PubRel(packetId)));
    }

    void completed(Packet.PubComp answer, Consumer<Effect> out) {
        var exchange = find(answer.packetId());
        if (exchange == null) return;
        require(exchange.awaiting == Awaiting.PUBCOMP, "PUBCOMP", answer.packetId());
        complete(answer.packetId(), exchange, Receipt.Outcome.DELIVERED, out);
    }

    private Exchange find(int packetId) {
        return exchanges == null ? null : exchanges.get(packetId);
    }

    private static void require(boolean expected, String answer, int packetId) {
        if (!expected) throw new MqttFault(ReasonCode.PROTOCOL_ERROR, answer + " " + packetId + " is out of place");
    }

    private void complete(int packetId, Exchange exchange, Receipt.Outcome outcome, Consumer<Effect> out) {
        exchanges.remove(packetId);
        if (exchange.counted) unanswered--;
        if (exchange.returned != null) keep(-exchange.returned.bytes());
        settle(exchange, outcome, out);
        if (assigned != null) assigned.remove(exchange.seq);
        if (exchange.seq > 0) delete(exchange.seq, out);
    }

    private static void settle(Exchange exchange, Receipt.Outcome outcome, Consumer<Effect> out) {
        if (exchange.receipt == null) return;
        out.accept(new Effect.Settle(exchange.receipt, outcome));
        exchange.receipt = null;
    }

    /** The session is over: what the client has not answered is lost. */
    void lose(Consumer<Effect> out) {
        if (exchanges != null) exchanges.values().forEach(exchange -> settle(exchange, Receipt.Outcome.LOST, out));
    }

    /** The connection is gone: nothing is answered any more. */
    void discard() {
        exchanges = null;
        keep(-bytes);
    }

    /** Messages that were sent because of a Shared Subscription and may go to another client, in the order sent. */
    List<Delivery> returned() {
        if (exchanges == null) return List.of();
        return exchanges.values().stream()
                .map(exchange -> exchange.returned)
                .filter(Objects::nonNull)
                .toList();
    }
}
