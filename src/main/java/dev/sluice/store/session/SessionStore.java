package dev.sluice.store.session;

import dev.sluice.config.StoreConfig;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.StoredMessage;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import javax.sql.DataSource;

/** Opens sessions; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class SessionStore {
    private static final String OPEN =
            "SELECT * FROM open_session(?, ?, ?::smallint, ?, ?, ?, ?, ?, ?::smallint, ?, ?, ?);"
                    // A statement of its own, which sees what the function has written.
                    + " SELECT id FROM session WHERE client_id = ?";

    private final StoreCalls calls;
    private static final String EXISTS = "SELECT FROM session WHERE client_id = ?";

    private final StoreHealth health;
    private final long most;
    private final SessionCount count;
    private final Timer opening;

    public SessionStore(DataSource dataSource, StoreConfig config, StoreHealth health, MeterRegistry meters) {
        this.calls = new StoreCalls(dataSource, health, config.openConcurrency(), config.openTimeout());
        this.health = health;
        this.most = config.sessionsMaximum();
        this.count = new SessionCount(most);
        this.opening = meters.timer("sluice.session.open");
    }

    /**
     * What to open.
     *
     * @param expirySeconds 0 ends with the connection, 4294967295 never
     * @param username null without a user name
     * @param will null without a will
     */
    public record OpenRequest(
            String clientId,
            boolean cleanStart,
            int protocolLevel,
            long expirySeconds,
            String username,
            String node,
            Will will) {}

    /**
     * What was opened; a session that is not resumed holds nothing.
     *
     * @param present whether an unexpired earlier session was resumed
     * @param id the session's identity, the same until it ends
     * @param sentSeq the rows of the queue up to this place may have been sent before: they carry DUP
     * @param lastSeq the place of the last message that was put into the queue, 0 for none ever
     * @param queued whether the queue holds rows
     */
    public record OpenedSession(
            boolean present,
            long id,
            long epoch,
            List<ReceivedPublish> received,
            List<StoredSubscription> subscriptions,
            long sentSeq,
            long lastSeq,
            boolean queued) {}

    /** A QoS 2 PUBLISH that was taken and waits for its PUBREL. */
    public record ReceivedPublish(int packetId, String messageId) {}

    /** Whether PostgreSQL answered when it was asked last. */
    public boolean isAvailable() {
        return health.available();
    }

    /**
     * Opens or resumes under a new epoch, which fences every earlier owner; concurrent opens of one client id take turns. An earlier
     * session that is not resumed ends: what it holds is gone, and its will is due. Of one that is resumed, the will is withdrawn if its
     * delay has not passed [MQTT-3.1.3-9], and due if it has none [MQTT-3.1.4-3].
     *
     * @param within returns or throws in this time: what is left of {@code sluice.store.open-timeout}
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     * @throws TooManySessions when it would be one more than {@code sluice.store.sessions-maximum}
     * @throws IllegalArgumentException when PostgreSQL refuses the row, such as for a client id longer than 2,048 bytes
     */
    public OpenedSession open(OpenRequest request, Duration within) {
        var sample = Timer.start();
        try {
            count.refresh(calls);
            var opened = calls.call("opening a session", within, connection -> {
                if (count.isFull(connection) && !exists(connection, request.clientId()))
                    throw new TooManySessions(most);
                return ask(connection, request);
            });
            if (!opened.present()) count.added();
            return opened;
        } finally {
            sample.stop(opening);
        }
    }

    private static boolean exists(Connection connection, String clientId) throws SQLException {
        try (var exists = connection.prepareStatement(EXISTS)) {
            exists.setString(1, clientId);
            try (var rows = exists.executeQuery()) {
                return rows.next();
            }
        }
    }

    private static OpenedSession ask(Connection connection, OpenRequest request) throws SQLException {
        try (var statement = connection.prepareStatement(OPEN)) {
            statement.setString(1, request.clientId());
            statement.setBoolean(2, request.cleanStart());
            statement.setInt(3, request.protocolLevel());
            statement.setLong(4, request.expirySeconds());
            statement.setString(5, request.username());
            statement.setString(6, request.node());
            bind(statement, request.will());
            statement.setString(13, request.clientId());
            statement.execute();
            try (var rows = statement.getResultSet()) {
                rows.next();
                return opened(rows, id(statement));
            }
        }
    }

    private static long id(PreparedStatement statement) throws SQLException {
        statement.getMoreResults(Statement.KEEP_CURRENT_RESULT);
        try (var rows = statement.getResultSet()) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private static OpenedSession opened(ResultSet row, long id) throws SQLException {
        return new OpenedSession(
                row.getBoolean("present"),
                id,
                row.getLong("opened_epoch"),
                received(row),
                subscriptions(row),
                row.getLong("sent"),
                row.getLong("last"),
                row.getBoolean("waiting"));
    }

    private static void bind(PreparedStatement statement, Will will) throws SQLException {
        boolean none = will == null;
        statement.setObject(7, none ? null : Wills.delaySeconds(will), Types.BIGINT);
        statement.setString(8, none ? null : will.topicName().toString());
        statement.setObject(9, none ? null : will.qos().ordinal(), Types.INTEGER);
        statement.setObject(10, none ? null : will.retain(), Types.BOOLEAN);
        statement.setBytes(11, none ? null : StoredMessage.properties(will.properties()));
        statement.setBytes(12, none ? null : will.payload());
    }

    private static List<ReceivedPublish> received(ResultSet row) throws SQLException {
        var packetIds = SessionStore.<Integer>column(row, "packet_ids");
        var messageIds = SessionStore.<String>column(row, "message_ids");
        return IntStream.range(0, packetIds.size())
                .mapToObj(i -> new ReceivedPublish(packetIds.get(i), messageIds.get(i)))
                .toList();
    }

    private static List<StoredSubscription> subscriptions(ResultSet row) throws SQLException {
        var filters = SessionStore.<String>column(row, "filters");
        var granted = SessionStore.<Short>column(row, "granted");
        var noLocals = SessionStore.<Boolean>column(row, "no_locals");
        var asPublished = SessionStore.<Boolean>column(row, "retains_as_published");
        var handlings = SessionStore.<Short>column(row, "retain_handlings");
        var identifiers = SessionStore.<Integer>column(row, "subscription_identifiers");
        return IntStream.range(0, filters.size())
                .mapToObj(i -> new StoredSubscription(
                        filters.get(i),
                        QoS.of(granted.get(i)),
                        noLocals.get(i),
                        asPublished.get(i),
                        handlings.get(i),
                        identifiers.get(i)))
                .toList();
    }

    @SuppressWarnings("unchecked")
    private static <T> List<T> column(ResultSet row, String name) throws SQLException {
        var array = row.getArray(name);
        return array == null ? List.of() : List.of((T[]) array.getArray());
    }
}
