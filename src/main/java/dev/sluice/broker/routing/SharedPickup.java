package dev.sluice.broker.routing;

import dev.sluice.clock.Repeating;
import dev.sluice.packet.QoS;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.SharedQueues;
import dev.sluice.store.delivery.SharedQueues.Away;
import dev.sluice.store.delivery.SharedQueues.Taker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Gives members of Shared Subscriptions that are connected here, and can take messages now, what waits in PostgreSQL for members that are
 * away and was not sent to them. Owns one virtual thread, which looks; every gateway does so for its own members.
 */
public final class SharedPickup {
    private static final Logger LOG = Logger.getLogger(SharedPickup.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** While something was found: until then, the members have read it. */
    private static final Duration TURN = Duration.ofMillis(20);
    /** So many queues are looked at each time. */
    private static final int AT_ONCE = 1000;
    /** Messages for one member at a time: the next ones may be for others. */
    private static final int MOST = 32;

    private final SharedRouting shares;
    private final SharedQueues queues;
    private final Deliveries deliveries;
    private final Deliveries.Keeping keeping;
    private final Repeating looking = Repeating.onVirtualThread("sluice-share-pickup");
    private Iterator<Away> all = Collections.emptyIterator();
    private List<Away> page = List.of();

    /** @param keeping has PostgreSQL keep what those who are given it cannot take */
    public SharedPickup(SharedRouting shares, SharedQueues queues, Deliveries deliveries, Deliveries.Keeping keeping) {
        this.shares = shares;
        this.queues = queues;
        this.deliveries = deliveries;
        this.keeping = keeping;
    }

    public void start() {
        looking.start(() -> pickUpIfAvailable() ? TURN : INTERVAL);
    }

    public void stop() {
        looking.stop();
    }

    private boolean pickUpIfAvailable() {
        try {
            return pickUp();
        } catch (StoreUnavailable away) {
            LOG.debugf("what waits for members of Shared Subscriptions is looked for later: %s", away.getMessage());
            return false;
        }
    }

    /** Blocking: looks at some queues; whether anything was taken from them, so that they are looked at again next time. */
    boolean pickUp() {
        if (page.isEmpty()) page = next();
        if (page.isEmpty()) return false;
        var any = false;
        var found = queues.waiting(page).stream()
                .collect(Collectors.groupingBy(Away::share, Collectors.mapping(Away::sessionId, Collectors.toList())));
        for (var each : found.entrySet()) any |= give(each.getKey(), each.getValue());
        if (!any) page = List.of();
        return any;
    }

    private List<Away> next() {
        if (!all.hasNext()) all = shares.away();
        var some = new ArrayList<Away>();
        while (some.size() < AT_ONCE && all.hasNext()) some.add(all.next());
        return some;
    }

    private boolean give(String share, List<Long> away) {
        var group = shares.find(share);
        var taker = group == null ? null : group.readyHere();
        if (taker == null) return false;
        var subscriber = taker.subscriber();
        if (!subscriber.isDurable() || taker.maximumQoS() == QoS.AT_MOST_ONCE) return take(share, away, taker);
        var identifiers = taker.identifier() == 0 ? List.<Integer>of() : List.of(taker.identifier());
        var to = new Taker(
                subscriber.clientId(),
                subscriber.sessionId(),
                taker.maximumQoS(),
                taker.retainAsPublished(),
                identifiers);
        try {
            var moved = queues.move(share, away, to, MOST);
            if (moved.count() > 0) subscriber.queued(moved.lastSeq());
            return moved.count() > 0;
        } catch (StoreUnavailable unanswered) {
            subscriber.mayBeQueued();
            throw unanswered;
        }
    }

    /** It has them in memory alone, like all that it is given. */
    private boolean take(String share, List<Long> away, LiveSubscription taker) {
        if (!keeping.hasRoom()) return false;
        var taken = queues.take(share, away, MOST);
        for (var message : taken) deliveries.giveAnywhere(Publication.of(message, taker), keeping, () -> {});
        return !taken.isEmpty();
    }
}
