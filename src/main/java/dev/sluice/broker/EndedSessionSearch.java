package dev.sluice.broker;

import dev.sluice.broker.routing.Router;
import dev.sluice.clock.Repeating;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.SubscriptionReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import org.jboss.logging.Logger;

/**
 * Finds sessions that have ended without this gateway's hearing of it, and has the {@link Router} forget them: those that another gateway
 * has ended, and those that were deleted by SQL while nobody listened. Owns one virtual thread, which asks after some of the sessions
 * whose clients are offline here, then after the next, and begins anew.
 */
final class EndedSessionSearch {
    private static final Logger LOG = Logger.getLogger(EndedSessionSearch.class);

    /** With the default interval a million sessions take three hours: a message for one that has ended tells of it sooner. */
    private static final int AT_ONCE = 1000;

    private final Router router;
    private final SubscriptionReader subscriptions;
    private final Duration interval;
    private final Repeating searching = Repeating.onVirtualThread("sluice-ended-sessions");
    private Iterator<EndedSession> offline = Collections.emptyIterator();

    EndedSessionSearch(Router router, SubscriptionReader subscriptions, Duration interval) {
        this.router = router;
        this.subscriptions = subscriptions;
        this.interval = interval;
    }

    void start() {
        searching.every(interval, this::search);
    }

    void stop() {
        searching.stop();
    }

    /** Blocking: asks after the next ones. */
    void search() {
        if (!offline.hasNext()) offline = router.offline();
        var some = new ArrayList<EndedSession>();
        while (some.size() < AT_ONCE && offline.hasNext()) some.add(offline.next());
        if (some.isEmpty()) return;
        try {
            for (var session : subscriptions.endedAmong(some)) router.forget(session.clientId(), session.id());
        } catch (StoreUnavailable away) {
            LOG.debugf("sessions that may have ended are asked after later: %s", away.getMessage());
        }
    }
}
