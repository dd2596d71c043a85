package dev.sluice.store.session;

import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Will;
import dev.sluice.store.NodeRun;
import dev.sluice.store.Rows;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import javax.sql.DataSource;

/** Opens sessions; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class SessionStore {
    private static final String PLACEHOLDER = """
        INSERT INTO session (client_id, epoch, node, connected, resumed, protocol, expiry_seconds, created_at, connected_at)
        VALUES (?, 0, '', false, false, 5, 0, now(), now()) ON CONFLICT (client_id) DO NOTHING\
        """;

    /** By the index on identities, which has no anonymous clients. */
    private static final String OTHERS = """
        SELECT count(*) FROM (
            SELECT FROM session
             WHERE identity = ? AND identity <> '' AND client_id <> ?
               AND (connected OR expires_at IS NULL OR expires_at > now())
             LIMIT ?) others\
        """;

    /** By the index on identities, which has no anonymous clients, nor messages that were cleared. */
    private static final String RETAINED = """
        SELECT count(*) FROM (
            SELECT FROM retained WHERE identity = ? AND identity <> '' AND octet_length(payload) > 0
               AND (expires_at IS NULL OR expires_at > now()) AND topic <> ?
             LIMIT ?) messages\
        """;

    private final StoreCalls calls;
    private final OpenBatches batches;
    private final StoreHealth health;
    private final SessionCount count;
    private final Timer opening;

    public SessionStore(
            DataSource dataSource, StoreConfig config, NodeRun run, StoreHealth health, MeterRegistry meters) {
        this.calls = new StoreCalls(dataSource, health, config.openConcurrency(), config.openTimeout());
        this.health = health;
        this.count = new SessionCount(config.sessionsMaximum());
        this.batches = new OpenBatches(calls, config.openConcurrency(), config.openTimeout(), count, run);
        this.opening = meters.timer("sluice.session.open");
    }

    /**
     * What to open.
     *
     * @param expirySeconds 0 ends with the connection, 4294967295 never
     * @param identity authenticated user name, empty for anonymous: nobody else can open the session then
     * @param sendQuota messages that the connection may be sent before PostgreSQL knows an answer, 1 to 65,535
     * @param will null without a will
     * @param willRequester who brings it, as JSON; null for anonymous
     * @param queueLimit how much the session's queue may hold from now on
     */
    public record OpenRequest(
            String clientId,
            boolean cleanStart,
            int protocolLevel,
            long expirySeconds,
            String identity,
            String node,
            int sendQuota,
            Will will,
            String willRequester,
            QueueLimit queueLimit) {
        /** One of an anonymous client that nothing limits. */
        public OpenRequest(
                String clientId,
                boolean cleanStart,
                int protocolLevel,
                long expirySeconds,
                String identity,
                String node,
                int sendQuota,
                Will will) {
            this(
                    clientId,
                    cleanStart,
                    protocolLevel,
                    expirySeconds,
                    identity,
                    node,
                    sendQuota,
                    will,
                    null,
                    QueueLimit.NONE);
        }
    }

    /**
     * What was opened; a session that is not resumed holds nothing.
     *
     * @param present whether an unexpired earlier session was resumed
     * @param id the session's identity, the same until it ends
     * @param sentSeq the rows of the queue up to this place may have been sent before: they carry DUP
     * @param lastSeq the place of the last message that was put into the queue, 0 for none ever
     * @param queued whether the queue holds rows
     * @param retainedDue whether a subscription has not been given all retained messages that it is owed
     * @param dueWills wills of earlier connections of the client, as {@link Wills.DueWill#id}, that are due and not published whole: they
     *     come before what this connection publishes. That of a connection that another gateway has held until now falls due a moment later,
     *     unless that gateway withdraws it, or it is {@link Wills#release released}
     * @param former whose connection the session was until now; null if it had none
     * @param replacedId identity of the session with a queue that has ended by this, 0 for none
     */
    public record OpenedSession(
            boolean present,
            long id,
            long epoch,
            List<ReceivedPublish> received,
            List<StoredSubscription> subscriptions,
            long sentSeq,
            long lastSeq,
            boolean queued,
            boolean retainedDue,
            List<Long> dueWills,
            Former former,
            long replacedId) {
        /** What is stored with each QoS 2 PUBLISH that waits for its PUBREL, by packet identifier. */
        public SortedMap<Integer, String> notes() {
            var notes = new TreeMap<Integer, String>();
            received.forEach(each -> notes.put(each.packetId(), each.note()));
            return notes;
        }

        /** The same, for whoever knows that the rows up to a place were sent. */
        public OpenedSession sentUpTo(long seq) {
            if (seq <= sentSeq) return this;
            return new OpenedSession(
                    present,
                    id,
                    epoch,
                    received,
                    subscriptions,
                    seq,
                    lastSeq,
                    queued,
                    retainedDue,
                    dueWills,
                    former,
                    replacedId);
        }
    }

    /** A connection as the session's row told of it: the gateway that held it, by name, and its epoch. */
    public record Former(String node, long epoch) {}

    /**
     * A QoS 2 PUBLISH that was taken and waits for its PUBREL.
     *
     * @param note what the session has stored with it
     */
    public record ReceivedPublish(int packetId, String note) {}

    /**
     * How many sessions the identity of a request has besides the one that is asked for, counted up to so many.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public long othersOf(OpenRequest request, long most) {
        return calls.call("counting sessions", connection -> {
            try (var select = connection.prepareStatement(OTHERS)) {
                select.setString(1, request.identity());
                select.setString(2, request.clientId());
                select.setLong(3, most);
                return Rows.longs(select).getFirst();
            }
        });
    }

    /**
     * How many messages of an identity are retained, counted up to so many.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public long retainedOf(String identity, long most) {
        return retainedBeside(TopicName.EMPTY, identity, most);
    }

    /** The same without that of one topic. */
    public long retainedBeside(TopicName topicName, String identity, long most) {
        return calls.call("counting retained messages", connection -> {
            try (var select = connection.prepareStatement(RETAINED)) {
                select.setString(1, identity);
                select.setString(2, topicName.toString());
                select.setLong(3, most);
                return Rows.longs(select).getFirst();
            }
        });
    }

    /** @param names the other gateways that live: what their clients said last may not be written yet; before the first open */
    public void others(Supplier<List<String>> names) {
        batches.others(names);
    }

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
     * @throws ForeignSession when the session is another identity's; nothing is changed
     * @throws TooManySessions when it would be one more than {@code sluice.store.sessions-maximum}
     * @throws IllegalArgumentException when PostgreSQL refuses the row, such as for a client id longer than 2,048 bytes
     */
    public OpenedSession open(OpenRequest request, Duration within) {
        var sample = Timer.start();
        try {
            count.refresh(calls);
            return batches.open(request, within);
        } finally {
            sample.stop(opening);
        }
    }

    /**
     * The epoch of the client's session if its row says that a connection to this node holds it, else 0: how an open whose COMMIT was not
     * answered learns what became of it. Waits until that COMMIT is over.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now, or the COMMIT takes longer than a call may
     */
    public long connectedEpoch(String clientId, String node) {
        return calls.call("looking for a session", connection -> {
            // Nobody sees a row that is not committed yet; who inserts or locks the same one waits for it.
            if (update(connection, PLACEHOLDER, clientId) > 0) {
                update(connection, "DELETE FROM session WHERE client_id = ?", clientId);
                return 0L;
            }
            try (var select = connection.prepareStatement(
                    "SELECT epoch FROM session WHERE client_id = ? AND node = ? AND connected FOR UPDATE")) {
                select.setString(1, clientId);
                select.setString(2, node);
                var epochs = Rows.longs(select);
                return epochs.isEmpty() ? 0 : epochs.getFirst();
            }
        });
    }

    private static int update(Connection connection, String sql, String clientId) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            statement.setString(1, clientId);
            return statement.executeUpdate();
        }
    }
}
