package dev.sluice.store.session;

import dev.sluice.packet.QoS;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Reads the subscriptions of all persistent sessions; blocks, so it is called on virtual threads. */
@ApplicationScoped
public class SubscriptionReader {
    private static final int PAGE_ROWS = 10_000;
    /** Of filters: a page with more of them ends early. */
    private static final long PAGE_BYTES = 1 << 20;
    /** So many rows come at a time, as a filter may have 65,535 bytes. */
    private static final int ROWS_AT_ONCE = 500;
    /** Sessions that have changed. */
    private static final int CHANGES = 2000;
    /** Characters of a filter that are in the index. */
    private static final int INDEXED = 400;

    /** In the order of the index, from the one after the last page's; no client where the session is over. */
    private static final String PAGE = """
            SELECT s.client_id, s.epoch, b.session_id, b.hash, b.filter, b.qos, b.no_local, b.retain_as_published, b.retain_handling, b.identifier
              FROM (SELECT *, left(filter, 400) AS begin, hashtextextended(filter, 0) AS hash
                      FROM subscription
                     WHERE (session_id, left(filter, 400), hashtextextended(filter, 0)) > (?, ?, ?)
                     ORDER BY session_id, left(filter, 400), hashtextextended(filter, 0)
                     LIMIT ?) b
              LEFT JOIN session s ON s.id = b.session_id AND (s.expires_at IS NULL OR s.expires_at > now())
             ORDER BY b.session_id, b.begin, b.hash""";

    private static final String LOST = """
            SELECT w.n, s.epoch, EXISTS (SELECT FROM session o WHERE o.client_id = w.client_id) AS anew
              FROM unnest(?::bigint[], ?::text[], ?::bigint[]) WITH ORDINALITY AS w(id, client_id, epoch, n)
              LEFT JOIN session s ON s.id = w.id
             WHERE s.id IS NULL OR s.epoch > w.epoch""";

    /** From the one after the last page's, those that have changed longest ago first. */
    private static final String CHANGED = """
            SELECT s.client_id, o.session_id, extract(epoch FROM o.subscriptions_changed_at) AS changed
              FROM (SELECT session_id, subscriptions_changed_at FROM queue_out
                     WHERE subscriptions_changed_at IS NOT NULL
                       AND (subscriptions_changed_at, session_id) > (greatest(to_timestamp(?), now() - ? * interval '1 millisecond'), ?)
                     ORDER BY subscriptions_changed_at, session_id LIMIT ?) o
              LEFT JOIN session s ON s.id = o.session_id
             ORDER BY o.subscriptions_changed_at, o.session_id""";

    private static final String OF = """
            SELECT w.n, s.client_id, s.epoch, b.*
              FROM unnest(?::bigint[]) WITH ORDINALITY AS w(id, n)
              JOIN session s ON s.id = w.id
              LEFT JOIN subscription b ON b.session_id = s.id
             ORDER BY w.n""";

    private final StoreCalls calls;

    public SubscriptionReader(StoreRequests requests) {
        this.calls = requests.routing();
    }

    /** Takes one subscription with its client, and the identity and the epoch of the session that it belongs to. */
    @FunctionalInterface
    public interface Listener {
        void take(String clientId, long sessionId, long epoch, StoredSubscription subscription);
    }

    /** All subscriptions that a session has, as of an epoch. */
    public record Subscriptions(EndedSession session, long epoch, List<StoredSubscription> all) {}

    private record Entry(String clientId, long session, long epoch, StoredSubscription subscription) {}

    /** @param next after which the next one begins; null if there is none */
    private record Page(List<Entry> entries, Place next) {}

    private record Place(long session, String begin, long hash) {
        static final Place START = new Place(0, "", Long.MIN_VALUE);
    }

    /**
     * Tells every subscription of every session that has not expired, with its client id, on the calling thread, those of one session
     * together; reads page by page, the next one while it tells one. For the start: waits a minute for PostgreSQL at each page.
     *
     * @param isOver whether nobody wants to know any more
     * @throws StoreUnavailable when PostgreSQL does not answer for so long: some may have been told
     */
    public void all(Listener tell, BooleanSupplier isOver) {
        for (var coming = begin(Place.START); coming != null; ) {
            var page = await(coming);
            if (isOver.getAsBoolean()) return;
            coming = page.next() == null ? null : begin(page.next());
            for (var each : page.entries())
                tell.take(each.clientId(), each.session(), each.epoch(), each.subscription());
        }
    }

    private CompletableFuture<Page> begin(Place after) {
        return CompletableFuture.supplyAsync(
                () -> calls.callAtStart("reading subscriptions", connection -> ask(connection, after)),
                task -> Thread.ofVirtual().name("sluice-read").start(task));
    }

    private static Page await(CompletableFuture<Page> page) {
        try {
            return page.join();
        } catch (CompletionException failed) {
            throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
        }
    }

    /** @param epoch of the connection that has it here; {@link Long#MAX_VALUE} if none has */
    public record Known(EndedSession session, long epoch) {}

    /**
     * A session that has ended, or that a later connection has.
     *
     * @param laterEpoch of that connection; 0 if the session has ended
     * @param isBegunAnew whether its client has one now
     */
    public record Lost(EndedSession session, long laterEpoch, boolean isBegunAnew) {}

    /**
     * Those of these sessions that have ended, or that later connections have; blocks.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<Lost> lostAmong(List<Known> sessions) {
        return calls.call("looking for ended sessions", connection -> {
            try (var select = connection.prepareStatement(LOST)) {
                var ids = sessions.stream().map(each -> each.session().id()).toArray();
                var clientIds =
                        sessions.stream().map(each -> each.session().clientId()).toArray();
                var epochs = sessions.stream().map(Known::epoch).toArray();
                select.setArray(1, connection.createArrayOf("int8", ids));
                select.setArray(2, connection.createArrayOf("text", clientIds));
                select.setArray(3, connection.createArrayOf("int8", epochs));
                var lost = new ArrayList<Lost>();
                try (var rows = select.executeQuery()) {
                    while (rows.next()) {
                        var session = sessions.get(rows.getInt("n") - 1).session();
                        lost.add(new Lost(session, rows.getLong("epoch"), rows.getBoolean("anew")));
                    }
                }
                return lost;
            }
        });
    }

    /**
     * Tells the sessions that have subscribed or unsubscribed in the last time, on the calling thread, page by page; those that are over
     * since are left out.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now, or stops answering: some may have been told
     */
    public void changedWithin(Duration time, Consumer<List<EndedSession>> tell) {
        var after = new Changed(null, 0, 0);
        List<Changed> page;
        do {
            var last = after;
            page = calls.call("looking for subscriptions", connection -> changed(connection, time, last));
            var sessions = page.stream()
                    .filter(each -> each.clientId() != null)
                    .map(each -> new EndedSession(each.clientId(), each.session()))
                    .toList();
            if (!sessions.isEmpty()) tell.accept(sessions);
            if (!page.isEmpty()) after = page.getLast();
        } while (page.size() == CHANGES);
    }

    /** @param clientId null if the session is over */
    private record Changed(String clientId, long session, double at) {}

    private static List<Changed> changed(Connection connection, Duration time, Changed after) throws SQLException {
        try (var select = connection.prepareStatement(CHANGED)) {
            select.setDouble(1, after.at());
            select.setLong(2, time.toMillis());
            select.setLong(3, after.session());
            select.setInt(4, CHANGES);
            var page = new ArrayList<Changed>();
            try (var rows = select.executeQuery()) {
                while (rows.next())
                    page.add(new Changed(
                            rows.getString("client_id"), rows.getLong("session_id"), rows.getDouble("changed")));
            }
            return page;
        }
    }

    /**
     * Those of these sessions that are not over, each with all its subscriptions, as few as they may be.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public List<Subscriptions> of(List<EndedSession> sessions) {
        return calls.call("reading subscriptions", connection -> {
            try (var select = connection.prepareStatement(OF)) {
                var ids = sessions.stream().map(EndedSession::id).toArray();
                select.setArray(1, connection.createArrayOf("int8", ids));
                var found = new LinkedHashMap<EndedSession, Subscriptions>();
                try (var rows = select.executeQuery()) {
                    while (rows.next()) {
                        var session = sessions.get(rows.getInt("n") - 1);
                        var epoch = rows.getLong("epoch");
                        var of = found.computeIfAbsent(session, it -> new Subscriptions(it, epoch, new ArrayList<>()));
                        if (rows.getString("filter") != null) of.all().add(subscription(rows));
                    }
                }
                return List.copyOf(found.values());
            }
        });
    }

    private static Page ask(Connection connection, Place after) throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setLong(1, after.session());
            page.setString(2, after.begin());
            page.setLong(3, after.hash());
            page.setInt(4, PAGE_ROWS);
            page.setFetchSize(ROWS_AT_ONCE);
            var entries = new ArrayList<Entry>();
            var found = 0;
            var bytes = 0L;
            Place last = null;
            try (var rows = page.executeQuery()) {
                for (; bytes < PAGE_BYTES && rows.next(); found++) {
                    var entry = read(rows);
                    var filter = entry.subscription().filter();
                    bytes += filter.length();
                    if (entry.clientId() != null) entries.add(entry);
                    if (found == PAGE_ROWS - 1 || bytes >= PAGE_BYTES)
                        last = new Place(entry.session(), indexed(filter), rows.getLong(4));
                }
            }
            return new Page(entries, last);
        }
    }

    /** As PostgreSQL counts characters. */
    private static String indexed(String filter) {
        if (filter.length() <= INDEXED || filter.codePointCount(0, filter.length()) <= INDEXED) return filter;
        return filter.substring(0, filter.offsetByCodePoints(0, INDEXED));
    }

    /** By numbers: there may be millions. */
    private static Entry read(ResultSet row) throws SQLException {
        var subscription = new StoredSubscription(
                row.getString(5),
                QoS.of(row.getInt(6)),
                row.getBoolean(7),
                row.getBoolean(8),
                row.getInt(9),
                row.getInt(10));
        return new Entry(row.getString(1), row.getLong(3), row.getLong(2), subscription);
    }

    private static StoredSubscription subscription(ResultSet row) throws SQLException {
        return new StoredSubscription(
                row.getString("filter"),
                QoS.of(row.getInt("qos")),
                row.getBoolean("no_local"),
                row.getBoolean("retain_as_published"),
                row.getInt("retain_handling"),
                row.getInt("identifier"));
    }
}
