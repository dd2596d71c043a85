package dev.sluice.store.node;

import dev.sluice.config.NodeConfig;
import dev.sluice.store.KeptConnection;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * Owns this gateway's row in {@code node}, its lease, and the connection that holds the lock of its name and, at one gateway, the lock of
 * the sweeps. Used by one virtual thread at a time, which it blocks for a fifth of a lease at most.
 */
@ApplicationScoped
public class NodeLease {
    /** The server ends the connection of a process that is frozen when its lease is over, and soon that of a host that has vanished. */
    private static final String PREPARE = """
            SELECT set_config('idle_session_timeout', ?, false), set_config('tcp_keepalives_idle', ?, false),
                   set_config('tcp_keepalives_interval', '1', false), set_config('tcp_keepalives_count', '3', false)""";

    private static final String CLAIM = """
            SELECT claimed_run, claimed_mailbox, former_run, extract(epoch FROM alive_for) * 1000 AS alive_for
              FROM claim_node(?, ?, ? * interval '1 millisecond', ?, ?, ?)""";

    private static final String RENEW = """
            UPDATE node SET lease_until = clock_timestamp() + ? * interval '1 millisecond', connections = ?, ready = ?, draining = draining OR ?
             WHERE id = ? AND run = ? AND last_epoch IS NULL RETURNING draining""";

    private static final String OTHERS = """
            SELECT id, run, mailbox, lease_until > clock_timestamp() AS lasts,
                   lease_until > clock_timestamp() + ? * interval '1 millisecond' AS renews, connections,
                   ready AND NOT draining AS takes_clients FROM node
             WHERE id <> ? AND last_epoch IS NULL AND mailbox IS NOT NULL""";

    private final String id;
    private final Duration lease;
    private final Duration bound;
    private final KeptConnection connection;
    /** The one that has been prepared, and what it holds. */
    private Connection prepared;

    private boolean isLocked;
    private boolean sweeps;

    public NodeLease(DataSource dataSource, NodeConfig config) {
        this.id = config.id();
        this.lease = config.lease();
        this.bound = lease.dividedBy(5);
        this.connection = new KeptConnection(dataSource, "sluice-node-lease-call");
    }

    /**
     * What has become of a claim.
     *
     * @param run 0 if the name was refused
     * @param mailbox 0 if the name was refused, or all are taken
     * @param formerRun the run that had the name before, or has it; 0 for none
     * @param aliveFor how long the lease of that run lasts, if it has the name; else null
     * @param others who else lives
     */
    public record Claim(long run, int mailbox, long formerRun, Duration aliveFor, List<Other> others) {}

    /**
     * Another gateway that nobody has declared dead.
     *
     * @param lasts whether its lease does
     * @param renews whether more than half of it is left
     * @param takesClients whether load balancers are to bring it some
     */
    public record Other(
            String id, long run, int mailbox, boolean lasts, boolean renews, int connections, boolean takesClients) {}

    /**
     * What a gateway says of itself.
     *
     * @param ready whether load balancers are to bring it clients
     * @param drains whether it lets them go, told or not
     */
    public record Report(int connections, boolean ready, boolean drains) {}

    /**
     * What PostgreSQL says at a renewal.
     *
     * @param isOwn whether the row was still this run's; if not, it is dead
     * @param draining whether it is told to let its clients go, or does so
     * @param sweeps whether it is the one that sweeps
     */
    public record View(boolean isOwn, boolean draining, boolean sweeps, List<Other> others) {}

    /**
     * Claims this gateway's name for a new run, with a mailbox from 1 to a highest one.
     *
     * @param isStart whether a run whose process is gone may be followed before its lease is over, as the lock of the name tells; not for one
     *     that was taken for dead, whose successor may not have the lock yet
     */
    public Claim claim(boolean isStart, int mailboxes, String address, String version) throws SQLException {
        return connection.call(bound, connection -> {
            prepare(connection);
            try (var claim = connection.prepareStatement(CLAIM)) {
                claim.setString(1, id);
                claim.setBoolean(2, isStart && isLocked);
                claim.setLong(3, lease.toMillis());
                claim.setInt(4, mailboxes);
                claim.setString(5, address);
                claim.setString(6, version);
                try (var row = claim.executeQuery()) {
                    row.next();
                    var aliveFor =
                            row.getObject("alive_for") == null ? null : Duration.ofMillis(row.getLong("alive_for"));
                    return new Claim(
                            row.getLong("claimed_run"),
                            row.getInt("claimed_mailbox"),
                            row.getLong("former_run"),
                            aliveFor,
                            others(connection));
                }
            }
        });
    }

    /** Renews the lease of a run, and looks at the others. */
    public View renew(long run, Report report) throws SQLException {
        return connection.call(bound, connection -> {
            prepare(connection);
            try (var renew = connection.prepareStatement(RENEW)) {
                renew.setLong(1, lease.toMillis());
                renew.setInt(2, report.connections());
                renew.setBoolean(3, report.ready());
                renew.setBoolean(4, report.drains());
                renew.setString(5, id);
                renew.setLong(6, run);
                try (var row = renew.executeQuery()) {
                    var isOwn = row.next();
                    return new View(isOwn, isOwn && row.getBoolean(1), sweeps, others(connection));
                }
            }
        });
    }

    private List<Other> others(Connection connection) throws SQLException {
        try (var others = connection.prepareStatement(OTHERS)) {
            others.setLong(1, lease.toMillis() / 2);
            others.setString(2, id);
            var found = new ArrayList<Other>();
            try (var rows = others.executeQuery()) {
                while (rows.next())
                    found.add(new Other(
                            rows.getString("id"),
                            rows.getLong("run"),
                            rows.getInt("mailbox"),
                            rows.getBoolean("lasts"),
                            rows.getBoolean("renews"),
                            rows.getInt("connections"),
                            rows.getBoolean("takes_clients")));
            }
            return found;
        }
    }

    /** Gives the name back: the run is over, and has left nothing. */
    public void leave(long run) throws SQLException {
        connection.call(bound, connection -> {
            try (var delete = connection.prepareStatement("DELETE FROM node WHERE id = ? AND run = ?")) {
                delete.setString(1, id);
                delete.setLong(2, run);
                return delete.executeUpdate();
            }
        });
    }

    public void close() {
        connection.close();
    }

    /** Locks are the connection's; one that was not free may be later. */
    private void prepare(Connection connection) throws SQLException {
        if (connection != prepared) {
            isLocked = false;
            sweeps = false;
            prepared = connection;
            try (var prepare = connection.prepareStatement(PREPARE)) {
                prepare.setString(1, Long.toString(lease.toMillis()));
                prepare.setString(2, Long.toString(Math.max(1, lease.toSeconds() / 2)));
                prepare.executeQuery().close();
            }
        }
        if (!isLocked) isLocked = ask(connection, "SELECT lock_node(?)", id);
        if (!sweeps) sweeps = ask(connection, "SELECT lock_sweeps()", null);
    }

    private static boolean ask(Connection connection, String question, String parameter) throws SQLException {
        try (var ask = connection.prepareStatement(question)) {
            if (parameter != null) ask.setString(1, parameter);
            try (var row = ask.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }
}
