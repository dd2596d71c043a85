package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Ended;
import dev.sluice.cluster.RelayMessage.Subscribed;
import dev.sluice.cluster.RelayMessage.ToAll;
import dev.sluice.cluster.RelayMessage.Unsubscribed;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.SubscriptionReader.Subscriptions;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jboss.logging.Logger;

/**
 * Has the {@link Router} know the subscriptions of all stored sessions, wherever they are connected: reads them from the start on, while
 * clients connect already, follows what other gateways announce, announces what is committed here, and reads again what it may have missed:
 * while Kafka is away, each second what has changed lately. Owns one virtual thread, which reads; any thread may announce.
 *
 * <p>What is announced is applied at once, also while PostgreSQL is read: then the announced session is read once more, since what was read
 * may be from before or behind it. So is a session that changes here meanwhile. Of one session, what an earlier connection has written may be
 * announced after what a later one has: the epoch tells, and the session is read again.
 */
final class FleetSubscriptions {
    private static final Logger LOG = Logger.getLogger(FleetSubscriptions.class);

    private static final int AT_ONCE = 100;
    private static final Duration RETRY = Duration.ofSeconds(1);
    /** So long a change may be committed before anybody hears of it, and clocks may differ. */
    private static final Duration MARGIN = Duration.ofMinutes(1);
    /** While nothing can come from others, what has changed lately is read each time: longer ago than a commit takes. */
    private static final Duration LATELY = Duration.ofSeconds(10);

    private final Router router;
    private final SubscriptionReader reader;
    private final Relay relay;
    private final Gateways gateways;
    private final StoredFilters filters;
    private final BrokerMeters meters;
    private final BooleanSupplier isKafkaThere;
    private final Consumer<EndedSession> ended;
    private final Repeating reading = Repeating.onVirtualThread("sluice-fleet-subscriptions");
    private final Semaphore woken = new Semaphore(0);

    // Under the lock of this.

    /** Sessions that are to be read again. */
    private final Set<EndedSession> unread = new LinkedHashSet<>();
    /** Those that were announced, or have changed here, since what is being read was asked for; null while nothing is. Any thread may add. */
    private volatile Set<EndedSession> announced;

    /** Those that this one has joined. */
    private final Map<Gateway, Heard> heard = new HashMap<>();

    private final long createdAt = System.nanoTime();
    private boolean missed;
    /** Whether all are yet to be read; not before the start, when there is no connection. */
    private volatile boolean loading;
    /** Whether it is yet to be read what others had announced before this gateway joined them. */
    private volatile boolean joining;

    private long missedSince;

    /**
     * What was heard of a gateway.
     *
     * @param at when it was heard last
     * @param run of this gateway that has joined it
     */
    private record Heard(long at, long run) {}

    /**
     * @param isKafkaThere whether anything can come from other gateways
     * @param ended takes sessions that are over, from the relay's thread
     */
    FleetSubscriptions(
            Router router,
            SubscriptionReader reader,
            Gateways gateways,
            Relay relay,
            StoredFilters filters,
            BrokerMeters meters,
            BooleanSupplier isKafkaThere,
            Consumer<EndedSession> ended) {
        this.router = router;
        this.reader = reader;
        this.relay = relay;
        this.gateways = gateways;
        this.filters = filters;
        this.meters = meters;
        this.isKafkaThere = isKafkaThere;
        this.ended = ended;
        relay.on(Subscribed.class, this::subscribed);
        relay.on(Unsubscribed.class, this::unsubscribed);
        relay.on(Ended.class, (from, letter) -> letter.sessions().forEach(session -> over(from, session)));
        relay.onGap(this::missed);
        relay.onForgotten(this::forget);
    }

    /**
     * Blocking: reads all.
     *
     * @throws StoreUnavailable when PostgreSQL does not answer for long: some are known by then, and all are to be read again
     */
    void load() {
        begin();
        try {
            reader.all(this::take, reading::isStopped);
        } finally {
            end(); // what is known of those may be wrong, however far it has come
        }
        readAgain();
        if (reading.isStopped()) return;
        loading = false;
        var count = router.totals().count();
        if (count > 0) LOG.infof("%d subscriptions of persistent sessions", count);
    }

    /** Begins to read all; returns at once. */
    void start() {
        loading = true;
        reading.start(() -> {
            if (loading) return loadOnce();
            if (woken.tryAcquire(RETRY.toNanos(), TimeUnit.NANOSECONDS)) woken.drainPermits();
            if (!reading.isStopped()) readWhatIsMissing();
            return Duration.ZERO;
        });
    }

    private Duration loadOnce() {
        try {
            load();
            return Duration.ZERO;
        } catch (StoreUnavailable away) {
            LOG.warnf("what clients publish waits until all subscriptions are read: %s", away.getMessage());
            return RETRY;
        }
    }

    void stop() {
        reading.stop();
        woken.release();
    }

    // What this gateway tells

    /**
     * The subscriptions are committed.
     *
     * @param seen run once all gateways give its client what they match, on any thread, possibly before this returns
     */
    void subscribed(Recipient connection, List<StoredSubscription> subscriptions, Runnable seen) {
        changed(connection);
        announce(
                subscriptions,
                each -> each.filter().length(),
                some -> new Subscribed(connection.clientId(), connection.sessionId(), connection.epoch(), some),
                seen);
    }

    /**
     * The session has these filters no more, which is committed.
     *
     * @param seen run once no gateway gives its client what only they match [MQTT-3.10.4-2]; as in {@link #subscribed}
     */
    void unsubscribed(Recipient connection, List<String> filters, Runnable seen) {
        changed(connection);
        announce(
                filters,
                String::length,
                some -> new Unsubscribed(connection.clientId(), connection.sessionId(), connection.epoch(), some),
                seen);
    }

    /**
     * A connection's session is about to end with it. Returns what is to be run once that is committed: if another gateway has the session
     * by then, it goes on.
     */
    Runnable ending(Recipient connection) {
        var known = router.find(connection.clientId());
        var isStored = known != null && known.recipient() == connection && known.isDurable();
        if (!isStored || known.subscriptions().isEmpty()) return () -> {};
        var session = new EndedSession(connection.clientId(), connection.sessionId());
        return () -> {
            router.forget(session.clientId(), session.id());
            ended(List.of(session));
        };
    }

    /** Sessions are over, as only this gateway knows. */
    void ended(List<EndedSession> sessions) {
        endedEverywhere(sessions);
        announce(sessions, each -> each.clientId().length(), Ended::new, () -> {});
    }

    /** Sessions are over, as all gateways know. */
    void endedEverywhere(List<EndedSession> sessions) {
        sessions.forEach(this::changed);
    }

    /** As long as it is connected here, what is read is not believed; if it has gone before the commit, that may have been. */
    private void changed(Recipient connection) {
        var session = new EndedSession(connection.clientId(), connection.sessionId());
        changed(session);
        var known = router.find(connection.clientId());
        if (known == null || known.recipient() != connection) again(session);
    }

    /** What was asked for before, and is not applied yet, may be from before it. Does not wait for what is being applied. */
    private void changed(EndedSession session) {
        var noted = announced;
        if (noted == null) return;
        noted.add(session);
        if (noted != announced) again(session);
    }

    private <T> void announce(List<T> all, ToIntFunction<T> length, Function<List<T>, ToAll> letter, Runnable seen) {
        if (relay.isAlone() || all.isEmpty()) {
            seen.run();
            return;
        }
        var parts = LetterParts.of(all, length);
        for (int i = 0; i < parts.size(); i++)
            relay.announce(letter.apply(parts.get(i)), i < parts.size() - 1 ? () -> {} : seen);
    }

    // What others tell

    private synchronized void subscribed(Gateway from, Subscribed letter) {
        var session = heard(from, letter.clientId(), letter.sessionId());
        var within = filters.within(letter.clientId(), letter.subscriptions());
        if (!router.restore(letter.clientId(), letter.sessionId(), letter.epoch(), within)) again(session);
    }

    private synchronized void unsubscribed(Gateway from, Unsubscribed letter) {
        var session = heard(from, letter.clientId(), letter.sessionId());
        if (!router.remove(letter.clientId(), letter.sessionId(), letter.epoch(), letter.filters())) again(session);
    }

    private synchronized void over(Gateway from, EndedSession session) {
        ended.accept(heard(from, session.clientId(), session.id()));
    }

    private EndedSession heard(Gateway from, String clientId, long sessionId) {
        heard.computeIfPresent(from, (_, known) -> new Heard(System.nanoTime(), known.run));
        var session = new EndedSession(clientId, sessionId);
        changed(session);
        return session;
    }

    /** What is known here of a session may be wrong; from any thread. */
    synchronized void again(EndedSession session) {
        unread.add(session);
        woken.release();
    }

    private synchronized void missed(Gateway of) {
        var isNew = of.run() > gateways.self().run(); // it has told nothing before this gateway was there
        var joined = isNew ? System.nanoTime() - MARGIN.toNanos() : createdAt;
        var run = gateways.self().run();
        var before = heard.put(of, new Heard(System.nanoTime(), run));
        missedSince(before == null ? joined : before.at);
        joining |= !isNew && (before == null || before.run != run);
    }

    /** It may have died between a commit and the word of it; or it only tells anew what it has to tell. */
    private synchronized void forget(Gateway gone) {
        if (gateways.others().contains(gone)) return;
        heard.remove(gone);
        missedSince(System.nanoTime() - MARGIN.toNanos());
    }

    private void missedSince(long time) {
        if (!missed || time - missedSince < 0) missedSince = time;
        missed = true;
        woken.release();
    }

    // What PostgreSQL has

    private synchronized void begin() {
        announced = ConcurrentHashMap.newKeySet();
    }

    private synchronized void end() {
        var noted = announced;
        announced = null; // first: whoever notes one behind this sees it, and has that read again
        unread.addAll(noted);
    }

    private synchronized void take(String clientId, long sessionId, long epoch, StoredSubscription stored) {
        if (!announced.isEmpty() && announced.contains(new EndedSession(clientId, sessionId))) return;
        if (filters.areWithinBounds(clientId, stored)) router.restore(clientId, sessionId, epoch, List.of(stored));
    }

    /** Blocking: reads what may have been missed, and what was announced in another order than it was written. */
    void readWhatIsMissing() {
        try {
            readMissed();
            if (!gateways.isAlone() && !isKafkaThere.getAsBoolean()) readChangedWithin(LATELY);
            readAgain();
        } catch (StoreUnavailable away) {
            LOG.debugf("subscriptions are read later: %s", away.getMessage());
        }
    }

    private void readMissed() {
        long since;
        synchronized (this) {
            if (!missed) return;
            missed = false;
            since = missedSince;
        }
        try {
            var time = Duration.ofNanos(System.nanoTime() - since).plus(MARGIN);
            readChangedWithin(time);
            joined();
        } catch (StoreUnavailable away) {
            synchronized (this) {
                missedSince(since);
            }
            throw away;
        }
    }

    private void readChangedWithin(Duration time) {
        reader.changedWithin(time, sessions -> {
            for (int i = 0; i < sessions.size(); i += AT_ONCE)
                read(sessions.subList(i, Math.min(i + AT_ONCE, sessions.size())));
        });
    }

    private synchronized void joined() {
        if (!missed) joining = false;
    }

    /** Whether it has read all, and what others had announced before this gateway came; from any thread. */
    boolean isComplete() {
        return !loading && !joining;
    }

    private void readAgain() {
        for (var some = takeUnread(); !some.isEmpty(); some = takeUnread()) {
            try {
                read(some);
            } catch (StoreUnavailable away) {
                synchronized (this) {
                    unread.addAll(some);
                }
                throw away;
            }
        }
    }

    private synchronized List<EndedSession> takeUnread() {
        var some = unread.stream().limit(AT_ONCE).toList();
        some.forEach(unread::remove);
        return some;
    }

    private void read(List<EndedSession> sessions) {
        begin();
        settle(sessions, reader.of(sessions));
        meters.readAgain(sessions.size());
    }

    private synchronized void settle(List<EndedSession> asked, List<Subscriptions> found) {
        var noted = announced;
        var over = new HashSet<>(asked);
        for (var each : found) {
            var session = each.session();
            over.remove(session);
            if (!noted.contains(session))
                router.replace(
                        session.clientId(), session.id(), each.epoch(), filters.within(session.clientId(), each.all()));
        }
        over.forEach(session -> router.forget(session.clientId(), session.id()));
        announced = null;
        asked.stream().filter(noted::contains).forEach(unread::add); // also what came while it was applied
    }
}
