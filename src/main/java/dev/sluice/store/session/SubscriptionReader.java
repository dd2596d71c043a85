package dev.sluice.store.session;

import dev.sluice.packet.QoS;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Reads the subscriptions of all persistent sessions; blocks, so it is called on virtual threads. */
@ApplicationScoped
public class SubscriptionReader {
    private static final int PAGE_ROWS = 2000;

    /** In the order of the index, from the one after the last page's. */
    private static final String PAGE = """
            SELECT s.client_id, b.*, left(b.filter, 400) AS begin, hashtextextended(b.filter, 0) AS hash
              FROM subscription b JOIN session s ON s.id = b.session_id
             WHERE (b.session_id, left(b.filter, 400), hashtextextended(b.filter, 0)) > (?, ?, ?)
               AND s.id >= ? AND (s.expires_at IS NULL OR s.expires_at > now())
             ORDER BY b.session_id, left(b.filter, 400), hashtextextended(b.filter, 0)
             LIMIT ?""";

    private final StoreRequests requests;

    public SubscriptionReader(StoreRequests requests) {
        this.requests = requests;
    }

    /** Takes one subscription with its client, and the identity of the session that it belongs to. */
    @FunctionalInterface
    public interface Listener {
        void take(String clientId, long sessionId, StoredSubscription subscription);
    }

    private record Entry(String clientId, StoredSubscription subscription, Place place) {}

    private record Place(long session, String begin, long hash) {
        static final Place START = new Place(0, "", Long.MIN_VALUE);
    }

    /**
     * Tells every subscription of every session that has not expired, with its client id, on the calling thread, those of one session
     * together; reads page by page, and holds no connection while it tells.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now, or stops answering: some may have been told
     */
    public void all(Listener tell) {
        var place = Place.START;
        List<Entry> page;
        do {
            var after = place;
            page = requests.call("reading subscriptions", connection -> ask(connection, after));
            for (var entry : page) {
                tell.take(entry.clientId(), entry.place().session(), entry.subscription());
                place = entry.place();
            }
        } while (page.size() == PAGE_ROWS);
    }

    private static List<Entry> ask(Connection connection, Place after) throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setLong(1, after.session());
            page.setString(2, after.begin());
            page.setLong(3, after.hash());
            page.setLong(4, after.session());
            page.setInt(5, PAGE_ROWS);
            var entries = new ArrayList<Entry>();
            try (var rows = page.executeQuery()) {
                while (rows.next()) entries.add(read(rows));
            }
            return entries;
        }
    }

    private static Entry read(ResultSet row) throws SQLException {
        return new Entry(
                row.getString("client_id"),
                new StoredSubscription(
                        row.getString("filter"),
                        QoS.of(row.getInt("qos")),
                        row.getBoolean("no_local"),
                        row.getBoolean("retain_as_published"),
                        row.getInt("retain_handling"),
                        row.getInt("identifier")),
                new Place(row.getLong("session_id"), row.getString("begin"), row.getLong("hash")));
    }
}
