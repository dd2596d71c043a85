package dev.sluice.session;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * What the client is sent: messages wait here for the socket and for the client's quota, go out, and are done with when the
 * client has answered. Confined to the connection's event loop. Idle, it holds no collection.
 */
final class Outbound {
    private final Limits limits;
    private final BooleanSupplier room;
    private final LongSupplier clock;
    private final Function<Delivery, Screening> screening;
    private final OutboundPackets packets;
    private final OutboundWindow window;
    /** Messages that are in memory only. */
    private final OutboundQueue queue;
    /** Rows of the durable queue, null for a session without one. */
    private final OutboundRows rows;
    /** The client is to go: its next connection gets the rows that were not sent. */
    private boolean leaving;

    Outbound(
            ProtocolVersion version,
            Limits limits,
            QueueMemory memory,
            Grant grant,
            Event.SessionOpened opened,
            BooleanSupplier room,
            LongSupplier clock,
            Function<Delivery, Screening> screening) {
        this.screening = screening;
        this.limits = limits;
        this.room = room;
        this.clock = clock;
        this.packets = new OutboundPackets(version, limits, grant);
        this.window = new OutboundWindow(version.isV5(), limits.sendQuota(grant), limits.queueBytes(), memory);
        this.queue = new OutboundQueue(limits, memory);
        this.rows = opened.durable()
                ? new OutboundRows(limits, memory, this::isAdmitted, opened.lastSeq(), opened.queued())
                : null;
    }

    /** Returns whether a message would be sent at once. */
    boolean isReady() {
        return !leaving
                && room.getAsBoolean()
                && window.isOpen()
                && queue.isEmpty()
                && (rows == null || rows.isCaughtUp());
    }

    /** Returns whether an answer of the client waits for the journal. */
    boolean isWaiting() {
        return window.isWaiting();
    }

    /** Returns whether the client has been sent something that it has not answered. */
    boolean awaitsAnswer() {
        return window.size() > 0;
    }

    /** Rows stay in the queue from now on; exchanges that have begun go on. */
    void leave() {
        leaving = true;
    }

    /** The highest place of the durable queue that was sent, 0 for none. */
    long sentSeq() {
        return window.sentSeq();
    }

    void deliver(Delivery delivery, Consumer<Effect> out) {
        if (delivery.isDurable()) {
            // A row that is announced to a session without a durable queue belongs to an earlier session.
            if (rows == null) return;
            rows.tell(delivery);
            pump(out);
        } else if (queue.hasBefore(delivery.qos()) || !isAdmitted(delivery)) {
            queue.offer(delivery, out);
        } else {
            send(delivery, packetId(delivery), out);
        }
    }

    private int packetId(Delivery delivery) {
        return delivery.qos() == QoS.AT_MOST_ONCE ? 0 : window.packetId(delivery);
    }

    private boolean isAdmitted(Delivery delivery) {
        return room.getAsBoolean() && (delivery.qos() == QoS.AT_MOST_ONCE || window.isOpen());
    }

    /** Sends what may be sent of what waits, and has more read when nothing does. */
    void pump(Consumer<Effect> out) {
        if (rows != null && !leaving) pumpRows(out);
        for (var next = queue.first(); next != null && isAdmitted(next); next = queue.first()) {
            queue.poll(next.qos());
            send(next, window.packetId(next), out);
        }
        while (queue.hasBefore(QoS.AT_MOST_ONCE) && room.getAsBoolean()) send(queue.poll(QoS.AT_MOST_ONCE), 0, out);
        if (rows != null) rows.account();
    }

    private void pumpRows(Consumer<Effect> out) {
        for (var row = rows.first(); row != null; row = rows.first()) {
            var packetId = window.packetId(row);
            if (packetId == 0) assignPacketId(row, out);
            if (packetId == 0 || !row.received() && !isAdmitted(row)) return;
            rows.poll();
            send(row, packetId, out);
        }
        // PUBRELs are not counted by the quota, and the client may leave them unanswered.
        if (room.getAsBoolean() && window.size() <= limits.sendQuota() + limits.queuePage())
            rows.load(window.free(), out);
    }

    /** A client that never acknowledges a message keeps its identifier for ever: the row gets another one. */
    private void assignPacketId(Delivery row, Consumer<Effect> out) {
        if (row.received() || !isAdmitted(row)) return;
        var packetId = window.assign(row.seq());
        if (packetId > 0) out.accept(new Effect.AssignPacketId(row.seq(), packetId));
    }

    void packetIdAssigned(long seq, Consumer<Effect> out) {
        window.assigned(seq);
        pump(out);
    }

    private void send(Delivery delivery, int packetId, Consumer<Effect> out) {
        var message = delivery.message();
        var now = message.expiresAt() == Message.NEVER ? 0 : clock.getAsLong();
        var screened = delivery.received() ? Screening.SEND : screening.apply(delivery);
        if (delivery.received()) {
            window.release(delivery, packetId, out);
        } else if (screened == Screening.FORBIDDEN) {
            giveUp(delivery, packetId, Effect.Why.NOT_AUTHORIZED, out);
        } else if (screened == Screening.OUTDATED && delivery.isDurable() && !delivery.dup()) {
            window.drop(delivery, out);
        } else if (message.isExpired(now) && !delivery.dup()) { // [MQTT-3.3.2-5]; what was begun goes on [MQTT-4.4.0-1]
            giveUp(delivery, packetId, Effect.Why.EXPIRED, out);
        } else if (isAboveBounds(message)) {
            giveUp(delivery, packetId, Effect.Why.ABOVE_BOUNDS, out);
        } else {
            publish(delivery, packetId, now, out);
        }
    }

    private boolean isAboveBounds(Message message) {
        return message.properties().excess() != null
                || message.topicName().hasMoreLevelsThan(limits.input().topicLevels());
    }

    private void publish(Delivery delivery, int packetId, long now, Consumer<Effect> out) {
        var publish = packets.make(delivery, packetId, now);
        if (publish == null) { // [MQTT-3.1.2-25]
            giveUp(delivery, packetId, Effect.Why.TOO_LARGE, out);
        } else {
            if (packetId > 0) window.sent(delivery, packetId);
            out.accept(new Effect.Send(publish));
            if (packetId == 0) settle(delivery, Receipt.Outcome.DELIVERED, out);
        }
    }

    private void giveUp(Delivery delivery, int packetId, Effect.Why why, Consumer<Effect> out) {
        out.accept(new Effect.Drop(delivery, why));
        settle(delivery, why == Effect.Why.EXPIRED ? Receipt.Outcome.EXPIRED : Receipt.Outcome.TOO_LARGE, out);
        if (!delivery.isDurable()) return;
        // A client that was sent it may hold its identifier, and would take a later message for a repeat.
        if (delivery.dup() && delivery.qos() == QoS.EXACTLY_ONCE) window.giveUp(delivery, packetId, out);
        else window.drop(delivery, out);
    }

    static void settle(Delivery delivery, Receipt.Outcome outcome, Consumer<Effect> out) {
        if (delivery.receipt() != null) out.accept(new Effect.Settle(delivery.receipt(), outcome));
    }

    /** The session is over: every receipt of a message that the client has not answered is settled. */
    void lose(Consumer<Effect> out) {
        window.lose(out);
        queue.lose(out);
    }

    void acknowledged(Packet.PubAck answer, Consumer<Effect> out) {
        window.acknowledged(answer, out);
        pump(out);
    }

    void received(Packet.PubRec answer, Consumer<Effect> out) {
        // What is not read yet may have this identifier: then it is sent again, and answered again.
        window.received(answer, rows == null || rows.isCaughtUp(), out);
        pump(out);
    }

    void completed(Packet.PubComp answer, Consumer<Effect> out) {
        window.completed(answer, out);
        pump(out);
    }

    void marked(long seq, Consumer<Effect> out) {
        var waited = !window.isOpen();
        window.marked(seq, out);
        if (waited) pump(out);
    }

    void deleted(Consumer<Effect> out) {
        var waited = !window.isOpen();
        window.deleted();
        if (waited) pump(out);
    }

    void loaded(Event.QueueLoaded page, Consumer<Effect> out) {
        if (rows == null) return;
        rows.loaded(page, row -> releaseIfFree(row, out));
        pump(out);
    }

    /** Sends PUBREL, which waits neither for the quota [MQTT-3.3.4-10] nor behind messages that do; false if the row is not due one now. */
    private boolean releaseIfFree(Delivery row, Consumer<Effect> out) {
        var packetId = row.received() ? window.packetId(row) : 0;
        if (packetId > 0) window.release(row, packetId, out);
        return packetId > 0;
    }

    /** The connection is gone. */
    void discard() {
        window.discard();
        queue.discard();
        if (rows != null) rows.discard();
    }

    /** Rows up to this place were put into the queue, and are not announced one by one. */
    void queued(long seq, Consumer<Effect> out) {
        if (rows == null) return;
        rows.queued(seq);
        pump(out);
    }

    void loadFailed() {
        if (rows == null) return;
        rows.loadFailed();
        rows.account();
    }

    void drained(Consumer<Effect> out) {
        if (rows != null) rows.drained();
        pump(out);
    }

    /** Messages that go to other members of Shared Subscriptions when the session ends; those of a durable one are in PostgreSQL. */
    List<Delivery> returned() {
        if (rows != null) return List.of();
        var returned = new ArrayList<>(window.returned());
        returned.addAll(queue.shared());
        return returned;
    }
}
