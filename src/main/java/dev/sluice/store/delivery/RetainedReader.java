package dev.sluice.store.delivery;

import dev.sluice.packet.Message;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import dev.sluice.topic.TopicFilter;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Reads retained messages; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class RetainedReader {
    private static final int PAGE_ROWS = 500;
    private static final long PAGE_BYTES = 1 << 20;

    /** In the order of the index, from the topic after the last page's; a page ends early when its payloads are large. */
    private static final String PAGE = """
            SELECT p.* FROM (
                SELECT r.topic, r.qos AS message_qos, true AS message_retain, r.properties, r.payload, %s AS expires,
                       left(r.topic, 400) AS begin, hashtextextended(r.topic, 0) AS hash,
                       sum(octet_length(r.payload) + 64) OVER (ORDER BY left(r.topic, 400), hashtextextended(r.topic, 0))
                           - octet_length(r.payload) AS before,
                       count(*) OVER () AS found
                  FROM (SELECT * FROM retained
                         WHERE (left(topic, 400), hashtextextended(topic, 0)) > (?, ?) %s
                           AND octet_length(payload) > 0 AND (expires_at IS NULL OR expires_at > now())
                         ORDER BY left(topic, 400), hashtextextended(topic, 0) LIMIT ?) r) p
             WHERE p.before <= ?
             ORDER BY p.begin, p.hash""";

    private final StoreRequests requests;

    public RetainedReader(StoreRequests requests) {
        this.requests = requests;
    }

    /** Where the next page begins: behind this entry of the index. */
    private record Place(String begin, long hash) {
        static final Place START = new Place("", Long.MIN_VALUE);
    }

    /** @param next null when nothing follows */
    private record Page(List<Message> messages, Place next) {}

    /**
     * Tells every retained message that matches and has not expired, on the calling thread, in the order of topics; none for a Shared
     * Subscription (section 4.8.2). Reads page by page, and holds no connection while it tells.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now, or stops answering: some may have been told
     */
    public void matching(TopicFilter filter, Consumer<Message> tell) {
        if (filter.shareName() != null) return;
        var narrowed = RetainedFilter.of(filter);
        var place = Place.START;
        while (place != null) {
            var after = place;
            var page = requests.call("reading retained messages", connection -> ask(connection, narrowed, after));
            for (var message : page.messages()) if (filter.matches(message.topicName())) tell.accept(message);
            place = page.next();
        }
    }

    private static Page ask(Connection connection, RetainedFilter filter, Place after) throws SQLException {
        var parameters = new ArrayList<Object>(List.of(after.begin(), after.hash()));
        var narrow = new StringBuilder();
        narrow(narrow, parameters, "left(topic, 400) >= ?", filter.from().isEmpty() ? null : filter.from());
        narrow(narrow, parameters, "left(topic, 400) < ?", filter.below());
        narrow(narrow, parameters, "topic ~ ?", filter.pattern());
        parameters.add(PAGE_ROWS);
        parameters.add(PAGE_BYTES);
        var sql = PAGE.formatted(StoredMessage.MILLIS.formatted("r.expires_at"), narrow);
        try (var page = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.size(); i++) page.setObject(i + 1, parameters.get(i));
            var messages = new ArrayList<Message>();
            Place last = null;
            var found = 0;
            try (var rows = page.executeQuery()) {
                while (rows.next()) {
                    messages.add(StoredMessage.read(rows));
                    last = new Place(rows.getString("begin"), rows.getLong("hash"));
                    found = rows.getInt("found");
                }
            }
            return new Page(messages, found == PAGE_ROWS || found > messages.size() ? last : null);
        }
    }

    private static void narrow(StringBuilder sql, List<Object> parameters, String condition, String value) {
        if (value == null) return;
        sql.append(" AND ").append(condition);
        parameters.add(value);
    }
}
