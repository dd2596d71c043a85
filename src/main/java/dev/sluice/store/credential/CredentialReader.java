package dev.sluice.store.credential;

import dev.sluice.store.StoreRequests;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads credentials for clients that wait, and what has changed; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class CredentialReader {
    private static final String COLUMNS =
            "SELECT username, hash, scheme, client_id_pattern, groups, limits, valid_from,"
                    + " valid_until, disabled, revoked_at, secret_at, version, updated_at, updated_by FROM credential";
    private static final String FIND = COLUMNS + " WHERE username = ?";
    private static final String FIND_ALL = COLUMNS + " WHERE username = ANY (?)";

    private static final String OBJECT = "credential/";

    /** Whoever changes credentials holds the set's lock until the commit, so these ids are committed in their order. */
    private static final String CHANGES = """
        SELECT id, action, object FROM audit
         WHERE id > ? AND object >= 'credential/' AND object < 'credential0' ORDER BY id LIMIT ?\
        """;

    private static final String LAST =
            "SELECT id FROM audit WHERE object >= 'credential/' AND object < 'credential0' ORDER BY id DESC LIMIT 1";

    /** Rows of the account that are read at once: each page is far from the time that it may take. */
    static final int PAGE = 1000;

    private final StoreRequests requests;

    public CredentialReader(StoreRequests requests) {
        this.requests = requests;
    }

    /**
     * One page of the account of changes.
     *
     * @param last place in the account that was read
     * @param usernames of credentials that were there before
     * @param more whether there may be another page
     */
    public record Changes(long last, Set<String> usernames, boolean more) {}

    public Optional<StoredCredential> find(String username) {
        if (username.indexOf('\0') >= 0) return Optional.empty(); // PostgreSQL has no such text
        return requests.credentials().call("reading a credential", connection -> {
            try (var query = connection.prepareStatement(FIND)) {
                query.setString(1, username);
                try (var rows = query.executeQuery()) {
                    return rows.next() ? Optional.of(credential(rows)) : Optional.empty();
                }
            }
        });
    }

    /** Those of them that exist. */
    public List<StoredCredential> find(Collection<String> usernames) {
        return requests.changes().call("reading changed credentials", connection -> {
            var found = new ArrayList<StoredCredential>();
            try (var query = connection.prepareStatement(FIND_ALL)) {
                query.setArray(1, connection.createArrayOf("text", usernames.toArray()));
                try (var rows = query.executeQuery()) {
                    while (rows.next()) found.add(credential(rows));
                }
            }
            return found;
        });
    }

    /** The place in the account of changes at which it ends now. */
    public long last() {
        return requests.changes().call("reading the account of credentials", connection -> {
            try (var query = connection.prepareStatement(LAST);
                    var rows = query.executeQuery()) {
                return rows.next() ? rows.getLong(1) : 0L;
            }
        });
    }

    /** What has changed since that place, or the first page of it. */
    public Changes since(long last) {
        return requests.changes().call("reading the account of credentials", connection -> {
            try (var query = connection.prepareStatement(CHANGES)) {
                query.setLong(1, last);
                query.setInt(2, PAGE);
                return page(last, query);
            }
        });
    }

    private static Changes page(long last, PreparedStatement query) throws SQLException {
        var names = new LinkedHashSet<String>();
        var at = last;
        var read = 0;
        try (var rows = query.executeQuery()) {
            for (; rows.next(); read++) {
                at = rows.getLong("id");
                if (!rows.getString("action").equals("create"))
                    names.add(rows.getString("object").substring(OBJECT.length()));
            }
        }
        return new Changes(at, names, read == PAGE);
    }

    /** From which the salts of unknown users are made. */
    public byte[] saltSecret() {
        return requests.credentials().call("reading the secret of salts", CredentialReader::saltSecret);
    }

    private static byte[] saltSecret(Connection connection) throws SQLException {
        try (var query = connection.prepareStatement("SELECT salt FROM credential_set");
                var rows = query.executeQuery()) {
            rows.next();
            return rows.getBytes(1);
        }
    }

    private static StoredCredential credential(ResultSet row) throws SQLException {
        var settings = new StoredCredential.Settings(
                row.getString("client_id_pattern"),
                CredentialRow.groups(row.getString("groups")),
                CredentialRow.limits(row.getString("limits")),
                instant(row.getTimestamp("valid_from")),
                instant(row.getTimestamp("valid_until")),
                row.getBoolean("disabled"));
        return new StoredCredential(
                row.getString("username"),
                row.getString("hash"),
                row.getString("scheme"),
                settings,
                instant(row.getTimestamp("revoked_at")),
                instant(row.getTimestamp("secret_at")),
                row.getLong("version"),
                instant(row.getTimestamp("updated_at")),
                row.getString("updated_by"));
    }

    private static Instant instant(Timestamp time) {
        return time == null ? null : time.toInstant();
    }
}
