package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * The QoS 2 PUBLISHes that were taken and not yet answered with PUBREC, in the order received; confined to the connection's
 * event loop. Kafka and the journal may answer out of order; the journal is asked, and the client answered, in order
 * [MQTT-4.6.0-3].
 */
final class InboundExchanges {
    private static final class Exchange {
        private final int packetId;
        /** Null once the journal is asked: what it needs, it has. */
        private Packet.Publish publish;

        private ReasonCode forwarded;
        private String messageId;
        private ReasonCode outcome;
        private String why;

        Exchange(Packet.Publish publish) {
            this.packetId = publish.packetId();
            this.publish = publish;
        }
    }

    /** Kafka does not have all of them up to here; null before the first. */
    private ArrayDeque<Exchange> forwarding;
    /** Kafka has them, and the journal is asked. */
    private ArrayDeque<Exchange> accepting;

    int size() {
        return forwarding == null ? 0 : forwarding.size() + accepting.size();
    }

    boolean contains(int packetId) {
        return size() > 0 && (find(forwarding, packetId) != null || find(accepting, packetId) != null);
    }

    void admit(Packet.Publish publish) {
        if (forwarding == null) {
            forwarding = new ArrayDeque<>();
            accepting = new ArrayDeque<>();
        }
        forwarding.add(new Exchange(publish));
    }

    /** Notes what Kafka says; asks the journal, or answers with an error, where no earlier PUBLISH holds that back. */
    void forwarded(
            int packetId,
            ReasonCode outcome,
            String why,
            String messageId,
            Consumer<Effect> out,
            InboundWindow.Answer answer) {
        var exchange = size() == 0 ? null : find(forwarding, packetId);
        if (exchange == null) return;
        exchange.forwarded = outcome;
        exchange.why = why;
        exchange.messageId = messageId;
        while (!forwarding.isEmpty() && forwarding.peek().forwarded != null) {
            var next = forwarding.poll();
            accepting.add(next);
            if (next.forwarded.isError()) next.outcome = next.forwarded;
            else out.accept(new Effect.Accept(next.publish, next.messageId));
            next.publish = null;
        }
        answer(answer);
    }

    /** Notes what the journal says, and passes on every answer that no earlier PUBLISH holds back. */
    void accepted(int packetId, ReasonCode outcome, InboundWindow.Answer answer) {
        var exchange = size() == 0 ? null : find(accepting, packetId);
        if (exchange == null) return;
        exchange.outcome = outcome;
        answer(answer);
    }

    private void answer(InboundWindow.Answer answer) {
        while (!accepting.isEmpty() && accepting.peek().outcome != null) {
            var next = accepting.poll();
            answer.answer(next.packetId, next.outcome, next.why);
        }
    }

    private static Exchange find(Iterable<Exchange> exchanges, int packetId) {
        for (var exchange : exchanges) if (exchange.packetId == packetId) return exchange;
        return null;
    }
}
