package dev.sluice.broker;

import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.FleetRouter;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.RemoteDeliveries;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.cluster.node.Lease;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import java.util.ArrayDeque;

/**
 * What one client publishes, on its way to other gateways for the clients that are connected there: the client is answered once Kafka has
 * it, and its connection ends if Kafka does not take it. Confined to the connection's event loop.
 */
final class RemoteLetters {
    private static final Event NOT_TAKEN =
            new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka did not take a message for clients of other gateways");

    private static final Event IN_VAIN = new Event.Ended(
            ReasonCode.SERVER_BUSY, "the gateway was away for too long: others may not have taken what it sent them");

    private final FleetRouter router;
    private final RemoteDeliveries deliveries;
    private final Deliveries.Keeping keeping;
    private final RetainedRecipient connection;
    private final Lease lease;
    private final Runnable progressed;
    private final LetterOrder order = new LetterOrder();
    private int unanswered;
    /** QoS 2 messages in the order received. */
    private final ArrayDeque<InTurn> turns = new ArrayDeque<>(0);

    private static final class InTurn {
        private final Runnable task;
        private boolean due;

        InTurn(Runnable task) {
            this.task = task;
        }
    }

    /**
     * @param keeping has PostgreSQL keep copies for sessions of other gateways' clients
     * @param lease while it lasts, others take what this gateway sends them
     * @param progressed run when Kafka has answered something
     */
    RemoteLetters(
            RemoteRouting remote,
            Deliveries.Keeping keeping,
            RetainedRecipient connection,
            Lease lease,
            Runnable progressed) {
        this.router = remote.router();
        this.deliveries = remote.deliveries();
        this.keeping = keeping;
        this.connection = connection;
        this.lease = lease;
        this.progressed = progressed;
    }

    /** Whether Kafka is waited for. */
    boolean isWaiting() {
        return unanswered > 0;
    }

    /** Whether it may have to go to other gateways; of one that is retained, that is not known before it is committed. */
    boolean isOwed(Publication publication) {
        return deliveries.isOwed(publication);
    }

    /** A message that is to be retained takes its place in front of later ones, and goes when it is {@link #sendCommitted}; else false. */
    boolean reserve(Publication publication) {
        if (publication.stamp() == 0 || !isOwed(publication)) return false;
        order.reserve(publication);
        return true;
    }

    /** A message that took its place is not going to be committed; null for none. */
    void giveUp(Publication reserved) {
        if (reserved != null) order.giveUp(reserved);
    }

    /** What PostgreSQL does not take ends the connection: nothing waits for it. */
    void giveUpAll() {
        order.giveUpAll();
    }

    /**
     * Sends it, behind what took its place before; runs the task once Kafka has it, in a later turn of the loop unless nobody is owed it. At
     * QoS 0 nothing is waited for.
     */
    void send(Publication publication, Runnable then) {
        if (!isOwed(publication)) {
            then.run();
        } else if (order.isFree(publication)) {
            post(publication, then);
        } else if (!order.add(publication, () -> post(publication, then))) {
            deliveries.drop();
            then.run();
        }
    }

    /** The same for a message that may be retained and is committed: whoever has subscribed elsewhere meanwhile gets it, too. */
    void sendCommitted(Publication publication, Runnable then) {
        var newcomers = router.newcomers(publication, connection.clientId());
        Runnable due = () -> order.due(publication, () -> post(publication, then));
        if (newcomers.hasCopies()) keeping.keep(newcomers, due);
        else due.run();
    }

    private void post(Publication publication, Runnable then) {
        if (!isOwed(publication)) {
            then.run();
        } else if (publication.message().qos() == QoS.AT_MOST_ONCE) {
            deliveries.send(publication, connection.clientId(), _ -> {});
            then.run();
        } else {
            unanswered++;
            deliveries.send(
                    publication, connection.clientId(), has -> connection.loop().execute(() -> answered(has, then)));
        }
    }

    private void answered(boolean has, Runnable then) {
        unanswered--;
        if (!has || !lease.lasts()) {
            connection.tell(has ? IN_VAIN : NOT_TAKEN);
            return;
        }
        then.run();
        progressed.run();
    }

    /**
     * Takes a turn: what the task does is not done before what comes before it.
     *
     * @return to be run once the task may be; the task is run with it, or as soon as all before it have been
     */
    Runnable inTurn(Runnable task) {
        var turn = new InTurn(task);
        turns.add(turn);
        return () -> {
            turn.due = true;
            while (!turns.isEmpty() && turns.peek().due) turns.remove().task.run();
        };
    }
}
