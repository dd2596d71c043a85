package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.clock.Repeating;
import dev.sluice.config.StoreConfig;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.SubscriptionReader.Known;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Finds sessions that have ended without this gateway's hearing of it: those that another gateway has ended, and those that were deleted while
 * nobody listened, or while their connection was not online yet, for {@link EndedSessions} to end. Finds
 * sessions that go on at another gateway, whose word of that was lost, and has their connections here end. Owns one virtual thread, which
 * asks after some sessions of each kind, then after the next, and begins anew.
 */
final class EndedSessionSearch {
    private static final Logger LOG = Logger.getLogger(EndedSessionSearch.class);

    /** With the default interval a million sessions take three hours: a message for one that has ended tells of it sooner. */
    private static final int AT_ONCE = 1000;

    private final Router router;
    private final ConnectionRegistry<? extends Recipient> registry;
    private final EndedSessions<?> ended;
    private final TakingOver takenOver;
    private final SubscriptionReader subscriptions;
    private final Duration interval;
    private final Repeating searching = Repeating.onVirtualThread("sluice-ended-sessions");
    private final Semaphore woken = new Semaphore(0);
    private volatile boolean unheard;

    private Iterator<EndedSession> offline = Collections.emptyIterator();
    private Iterator<EndedSession> online = Collections.emptyIterator();
    /** Whether all that are online are asked after without a pause. */
    private boolean all;
    /** What is being asked after: again, if PostgreSQL has not answered. */
    private List<EndedSession> page = List.of();

    /** Ends the connection of a client here if it is older than this epoch. */
    @FunctionalInterface
    interface TakingOver {
        void takeOver(String clientId, long epoch);
    }

    /** @param takenOver told of sessions that later connections have elsewhere, from this thread */
    EndedSessionSearch(
            EndedSessions<?> ended, TakingOver takenOver, SubscriptionReader subscriptions, StoreConfig config) {
        this.router = ended.router();
        this.registry = ended.registry();
        this.ended = ended;
        this.takenOver = takenOver;
        this.subscriptions = subscriptions;
        this.interval = config.sweepInterval();
    }

    void start() {
        searching.start(() -> {
            if (woken.tryAcquire(interval.toNanos(), TimeUnit.NANOSECONDS)) woken.drainPermits();
            if (!searching.isStopped()) search();
            return Duration.ZERO;
        });
    }

    void stop() {
        searching.stop();
        woken.release();
    }

    /** Sessions may have been deleted, or taken over, unheard: asks after all that are online, at once; from any thread. */
    void searchAll() {
        unheard = true;
        woken.release();
    }

    /** Blocking: asks after the next ones. */
    void search() {
        if (unheard) {
            unheard = false;
            online = registry.online();
            all = true;
        }
        try {
            do ask(); // what has come online may have been deleted before, when its connection could not be found
            while (next(registry.takeArrived(AT_ONCE)));
            do {
                if (!online.hasNext()) online = registry.online();
                next(some(online));
                all = all && online.hasNext();
                ask();
            } while (all);
            if (!offline.hasNext()) offline = router.offline();
            next(some(offline));
            ask();
        } catch (StoreUnavailable away) {
            LOG.debugf("sessions that may have ended are asked after later: %s", away.getMessage());
        }
    }

    private static List<EndedSession> some(Iterator<EndedSession> sessions) {
        var some = new ArrayList<EndedSession>();
        while (some.size() < AT_ONCE && sessions.hasNext()) some.add(sessions.next());
        return some;
    }

    private boolean next(List<EndedSession> sessions) {
        page = sessions;
        return !page.isEmpty();
    }

    private void ask() {
        if (page.isEmpty()) return;
        for (var lost : subscriptions.lostAmong(page.stream().map(this::known).toList())) {
            if (lost.laterEpoch() > 0) takenOver.takeOver(lost.session().clientId(), lost.laterEpoch());
            else ended.end(lost.session(), lost.isBegunAnew() ? LostSession.FENCED : LostSession.DELETED);
        }
        page = List.of();
    }

    private Known known(EndedSession session) {
        var connection = registry.find(session.clientId(), session.id());
        return new Known(session, connection == null ? Long.MAX_VALUE : connection.epoch());
    }
}
