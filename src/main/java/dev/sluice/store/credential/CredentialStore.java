package dev.sluice.store.credential;

import dev.sluice.store.EntityCalls;
import dev.sluice.store.credential.StoredCredential.Settings;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Page;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What operators do with credentials; blocks, so it is called on virtual threads. Rows stay inside, records go out. */
@ApplicationScoped
public class CredentialStore {
    private final CredentialRows rows;
    private final EntityCalls calls;

    CredentialStore(CredentialRows rows, EntityCalls calls) {
        this.rows = rows;
        this.calls = calls;
    }

    /** What a change leaves of a credential. */
    public record Wanted(String hash, Settings settings, Instant revokedAt) {}

    /** What a change has made of a credential; null where there was none, or is none. */
    public record Changed(StoredCredential before, StoredCredential after) {}

    public Optional<StoredCredential> find(String username) {
        return calls.call(
                "reading a credential", () -> rows.findByIdOptional(username).map(CredentialRow::credential));
    }

    /**
     * In the order of user names, from the one after {@code after}; the first page comes after the empty string.
     *
     * @param prefix of the user names; empty for all
     */
    public List<StoredCredential> page(String prefix, String after, int size) {
        return calls.call("reading credentials", () -> {
            var query = prefix.isEmpty()
                    ? rows.find("username > ?1", Sort.by("username"), after)
                    : rows.find(
                            "username > ?1 and username >= ?2 and username < ?3",
                            Sort.by("username"),
                            after,
                            prefix,
                            prefix + Character.toString(Character.MAX_CODE_POINT));
            return query.page(Page.ofSize(size)).stream()
                    .map(CredentialRow::credential)
                    .toList();
        });
    }

    /**
     * Changes one credential, while nobody else changes any.
     *
     * @param actor for the account of changes
     * @param change gets what there is, null without, and returns what is to be, null for none; what it throws ends the change
     */
    public Changed change(String actor, String username, Change change) {
        return calls.call("changing a credential", () -> {
            var entities = rows.getEntityManager();
            entities.createNativeQuery("SELECT set_config('sluice.actor', ?1, true)")
                    .setParameter(1, actor)
                    .getSingleResult();
            // Before any row, as whoever changes many rows at once does.
            entities.createNativeQuery("SELECT salt FROM credential_set FOR UPDATE")
                    .getSingleResult();
            var row = rows.findById(username);
            var before = row == null ? null : row.credential();
            write(row, username, change.apply(before));
            rows.flush();
            entities.clear();
            var after = rows.findById(username);
            return new Changed(before, after == null ? null : after.credential());
        });
    }

    /** Gets what there is, null without, and returns what is to be, null for none. */
    @FunctionalInterface
    public interface Change {
        Wanted apply(StoredCredential before);
    }

    private void write(CredentialRow known, String username, Wanted wanted) {
        if (wanted == null) {
            if (known != null) rows.delete(known);
            return;
        }
        var row = known == null ? new CredentialRow() : known;
        row.username = username;
        row.hash = wanted.hash();
        row.set(wanted.settings());
        row.revokedAt = wanted.revokedAt();
        if (known == null) rows.persist(row);
    }

    /** The Panache repository of {@link CredentialRow}. */
    @ApplicationScoped
    static class CredentialRows implements PanacheRepositoryBase<CredentialRow, String> {}
}
