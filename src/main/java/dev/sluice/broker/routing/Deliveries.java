package dev.sluice.broker.routing;

import dev.sluice.session.Receipt;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * Owns the count of deliveries that event loops were handed and have not looked at, and its bound: publishers wait while there
 * are too many. Any thread may use it.
 */
public final class Deliveries {
    private final LongAdder underWay = new LongAdder();
    private final long most;

    /** @param most deliveries under way at which publishers have to wait */
    public Deliveries(long most) {
        this.most = most;
    }

    /** Whether publishers have to wait for the event loops of subscribers. */
    public boolean areMany() {
        return underWay.sum() >= most;
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
        for (int i = 0; i < live.size(); i++) fanout.add(live.get(i));
        fanout.send();
    }
}
