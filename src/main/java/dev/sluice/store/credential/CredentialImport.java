package dev.sluice.store.credential;

import dev.sluice.store.StoreRequests;
import dev.sluice.store.credential.StoredCredential.Settings;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Writes many credentials at once; blocks, so it is called on virtual threads. */
@ApplicationScoped
public class CredentialImport {
    /** Rows of one transaction, so that a change of somebody else waits a fraction of a second. */
    public static final int BATCH = 1000;

    private static final String EXISTING = "SELECT username FROM credential WHERE username = ANY (?)";

    private static final String INSERT = """
        INSERT INTO credential (username, hash, client_id_pattern, groups, limits, valid_from, valid_until, disabled)
        SELECT * FROM unnest(?, ?, ?, ?, ?, ?::timestamptz[], ?::timestamptz[], ?)
        ON CONFLICT (username) DO\s\
        """;

    private static final String REPLACE = """
        UPDATE SET hash = excluded.hash, client_id_pattern = excluded.client_id_pattern, groups = excluded.groups,
                   limits = excluded.limits, valid_from = excluded.valid_from, valid_until = excluded.valid_until, disabled = excluded.disabled, revoked_at = NULL\
        """;

    /** The columns up to the last one, in the order of the statement. */
    private static final List<Function<Row, Object>> TEXTS = List.of(
            Row::username,
            Row::hash,
            it -> it.settings().clientIdPattern(),
            it -> String.join(",", it.settings().groups()),
            it -> CredentialRow.text(it.settings().limits()),
            it -> text(it.settings().validFrom()),
            it -> text(it.settings().validUntil()));

    private final StoreRequests requests;

    public CredentialImport(StoreRequests requests) {
        this.requests = requests;
    }

    /** One of them. */
    public record Row(String username, String hash, Settings settings) {}

    /** Those of these user names that have a credential already. */
    public Set<String> existing(List<String> usernames) {
        return requests.routes().call("reading which credentials there are", connection -> {
            var found = new HashSet<String>();
            try (var query = connection.prepareStatement(EXISTING)) {
                query.setArray(1, connection.createArrayOf("text", usernames.toArray()));
                try (var rows = query.executeQuery()) {
                    while (rows.next()) found.add(rows.getString(1));
                }
            }
            return found;
        });
    }

    /**
     * Writes at most {@link #BATCH} rows in one transaction.
     *
     * @param replace whether one that is there is replaced, or stays as it is
     * @return the user names that were written
     */
    public Set<String> write(String actor, List<Row> batch, boolean replace) {
        return requests.routes().call("importing credentials", connection -> {
            try (var set = connection.prepareStatement("SELECT set_config('sluice.actor', ?, true)")) {
                set.setString(1, actor);
                set.execute();
            }
            return write(connection, batch, replace ? REPLACE : "NOTHING");
        });
    }

    private static Set<String> write(Connection connection, List<Row> batch, String onConflict) throws SQLException {
        var written = new HashSet<String>();
        try (var insert = connection.prepareStatement(INSERT + onConflict + " RETURNING username")) {
            for (int i = 0; i < TEXTS.size(); i++) setColumn(connection, insert, i + 1, "text", batch, TEXTS.get(i));
            setColumn(
                    connection, insert, 8, "boolean", batch, it -> it.settings().disabled());
            try (var rows = insert.executeQuery()) {
                while (rows.next()) written.add(rows.getString(1));
            }
        }
        return written;
    }

    private static void setColumn(
            Connection connection,
            PreparedStatement statement,
            int index,
            String type,
            List<Row> batch,
            Function<Row, Object> value)
            throws SQLException {
        var column = new ArrayList<Object>(batch.size());
        for (var row : batch) column.add(value.apply(row));
        statement.setArray(index, connection.createArrayOf(type, column.toArray()));
    }

    private static String text(Instant time) {
        return time == null ? null : time.toString();
    }
}
