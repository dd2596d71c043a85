package dev.sluice.broker.routing;

import dev.sluice.session.Receipt;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Owns the count of deliveries that event loops were handed and have not looked at, and its bound: publishers wait while there
 * are too many. Any thread may use it.
 */
public final class Deliveries {
    private final LongAdder underWay = new LongAdder();
    private final long most;
    private volatile BiConsumer<Publication, Consumer<Boolean>> otherGateways = (_, then) -> then.accept(false);

    /** @param most deliveries under way at which publishers have to wait */
    public Deliveries(long most) {
        this.most = most;
    }

    /** Whether publishers have to wait for the event loops of subscribers. */
    public boolean areMany() {
        return underWay.sum() >= most;
    }

    /**
     * Whether event loops may be given what other gateways have sent. Its publishers have their answers, and those of this gateway wait by
     * now: so it comes before theirs.
     */
    boolean haveRoomForOthers() {
        return underWay.sum() < 2 * most;
    }

    /** Gives a message to those who need not wait for PostgreSQL. */
    public void send(Publication publication) {
        send(publication, null);
    }

    /** @param receipts makes the receipt of each copy; null if nobody asks what becomes of them */
    void send(Publication publication, Function<Match, Receipt> receipts) {
        var live = publication.live();
        if (live.isEmpty()) return;
        var fanout = new Fanout(publication.message(), underWay, receipts);
        for (int i = 0; i < live.size(); i++) if (!fanout.add(live.get(i))) publication.missed(live.get(i));
        fanout.send();
    }

    /** Has PostgreSQL keep the copies of a message, whatever becomes of its publisher meanwhile. */
    @FunctionalInterface
    public interface Keeping {
        /** @param then to be run once they are committed, and the publication {@link Publication#committed knows}, by its one thread */
        void keep(Publication publication, Runnable then);

        /** Whether it has kept all that it was given, for whoever may leave a message where it is. */
        default boolean hasRoom() {
            return true;
        }
    }

    /** Gives a message to all who are owed it, others in the place of members of Shared Subscriptions that cannot take it; then runs the task. */
    public void give(Publication publication, Keeping keeping, Runnable then) {
        if (publication.hasCopies()) keeping.keep(publication, () -> send(publication, keeping, then));
        else send(publication, keeping, then);
    }

    /** The same for those who need not wait for PostgreSQL alone. */
    public void send(Publication publication, Keeping keeping, Runnable then) {
        send(publication);
        passOn(publication, keeping, then);
    }

    /**
     * Gives to others what members of Shared Subscriptions could not take of a message that was sent, or whose copies are committed; then
     * runs the task.
     */
    public void passOn(Publication publication, Keeping keeping, Runnable then) {
        giveAnywhere(publication.left(), keeping, then);
    }

    /** Gives a message to another member of a Shared Subscription than the one that was chosen first, at whatever gateway; then runs the task. */
    public void giveAnywhere(Publication another, Keeping keeping, Runnable then) {
        if (another.hasRemote()) giveElsewhere(another, _ -> {});
        if (another.isForThisGateway()) give(another, keeping, then);
        else then.run();
    }

    /** Gives it to other gateways alone; tells whether Kafka has it for them, and they are there, on any thread. */
    void giveElsewhere(Publication another, Consumer<Boolean> then) {
        otherGateways.accept(another, then);
    }

    /** @param sending gives a message to the other gateways that are owed it, and tells whether Kafka has it for them */
    void otherGateways(BiConsumer<Publication, Consumer<Boolean>> sending) {
        otherGateways = sending;
    }
}
