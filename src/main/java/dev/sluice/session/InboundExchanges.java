package dev.sluice.session;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The QoS 2 PUBLISHes that were taken and not yet answered with PUBREC, in the order received; confined to the connection's
 * event loop. Kafka and the journal may answer out of order; the journal is asked, and the client answered, in order
 * [MQTT-4.6.0-3].
 */
final class InboundExchanges {
    private static final class Exchange {
        private final int packetId;
        private final long receivedAt;
        /** Null once the journal is asked: what it needs, it has. */
        private Packet.Publish publish;

        private ReasonCode forwarded;
        private String messageId;
        private ReasonCode outcome;
        private String why;

        Exchange(Packet.Publish publish, long receivedAt) {
            this.packetId = publish.packetId();
            this.receivedAt = receivedAt;
            this.publish = publish;
        }
    }

    /** All of them by packet identifier; null before the first. */
    private Map<Integer, Exchange> exchanges;
    /** Kafka does not have all of them up to here. */
    private ArrayDeque<Exchange> forwarding;
    /** Kafka has them, and the journal is asked. */
    private ArrayDeque<Exchange> accepting;

    int size() {
        return exchanges == null ? 0 : exchanges.size();
    }

    boolean contains(int packetId) {
        return find(packetId) != null;
    }

    /** @param receivedAt milliseconds since 1970 */
    void admit(Packet.Publish publish, long receivedAt) {
        if (exchanges == null) {
            exchanges = new HashMap<>();
            forwarding = new ArrayDeque<>();
            accepting = new ArrayDeque<>();
        }
        var exchange = new Exchange(publish, receivedAt);
        exchanges.put(exchange.packetId, exchange);
        forwarding.add(exchange);
    }

    /** Notes what Kafka says; asks the journal, or answers with an error, where no earlier PUBLISH holds that back. */
    void forwarded(
            int packetId,
            ReasonCode outcome,
            String why,
            String messageId,
            Consumer<Effect> out,
            InboundWindow.Answer answer) {
        var exchange = find(packetId);
        if (exchange == null || exchange.publish == null) return;
        exchange.forwarded = outcome;
        exchange.why = why;
        exchange.messageId = messageId;
        while (!forwarding.isEmpty() && forwarding.peek().forwarded != null) {
            var next = forwarding.poll();
            accepting.add(next);
            if (next.forwarded.isError()) next.outcome = next.forwarded;
            else out.accept(new Effect.Accept(next.publish, next.receivedAt, next.messageId));
            next.publish = null;
        }
        answer(answer);
    }

    /** Notes what the journal says, and passes on every answer that no earlier PUBLISH holds back. */
    void accepted(int packetId, ReasonCode outcome, InboundWindow.Answer answer) {
        var exchange = find(packetId);
        if (exchange == null || exchange.publish != null) return;
        exchange.outcome = outcome;
        answer(answer);
    }

    private void answer(InboundWindow.Answer answer) {
        while (!accepting.isEmpty() && accepting.peek().outcome != null) {
            var next = accepting.poll();
            exchanges.remove(next.packetId);
            answer.answer(next.packetId, next.outcome, next.why);
        }
    }

    private Exchange find(int packetId) {
        return exchanges == null ? null : exchanges.get(packetId);
    }
}
