package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.session.Receipt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * One message on its way to connections: one task for each event loop, however many connections it has. Made by one thread,
 * run by the loops.
 */
final class Fanout {
    private final Message message;
    private final LongAdder underWay;
    private final List<Batch> batches = new ArrayList<>(2);
    /** One object for all recipients that get the very same. */
    private Delivery common;

    private QoS commonQoS;
    /** Null if nobody asks what becomes of the copies. */
    private final Function<Match, Receipt> receipts;

    Fanout(Message message, LongAdder underWay, Function<Match, Receipt> receipts) {
        this.message = message;
        this.underWay = underWay;
        this.receipts = receipts;
    }

    /** The connections of one loop, and what each of them gets. */
    private record Batch(Executor loop, List<Recipient> recipients, List<Delivery> deliveries, LongAdder underWay)
            implements Runnable {
        @Override
        public void run() {
            underWay.add(-recipients.size());
            for (int i = 0; i < recipients.size(); i++) recipients.get(i).delivered(deliveries.get(i));
        }
    }

    /** False if the client is gone. */
    boolean add(Match match) {
        var recipient = match.subscriber().recipient();
        if (recipient == null) {
            if (receipts != null) receipts.apply(match).settle(Receipt.Outcome.LOST);
            return false;
        }
        var batch = batch(recipient.loop());
        batch.recipients.add(recipient);
        batch.deliveries.add(delivery(match));
        return true;
    }

    void send() {
        for (var batch : batches) {
            underWay.add(batch.recipients.size());
            batch.loop.execute(batch);
        }
    }

    private Batch batch(Executor loop) {
        for (int i = 0; i < batches.size(); i++) if (batches.get(i).loop == loop) return batches.get(i);
        var batch = new Batch(loop, new ArrayList<>(), new ArrayList<>(), underWay);
        batches.add(batch);
        return batch;
    }

    private Delivery delivery(Match match) {
        var qos = match.qos(message);
        var retain = match.retain(message);
        var isCommon = !retain && match.identifiers().isEmpty() && match.share() == null && receipts == null;
        if (isCommon && qos == commonQoS) return common;
        var receipt = receipts == null ? null : receipts.apply(match);
        var delivery = new Delivery(message, qos, retain, match.identifiers(), match.share(), 0, false, false, receipt);
        if (isCommon) {
            common = delivery;
            commonQoS = qos;
        }
        return delivery;
    }
}
