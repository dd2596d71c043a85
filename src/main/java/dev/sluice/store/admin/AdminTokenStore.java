package dev.sluice.store.admin;

import dev.sluice.store.EntityCalls;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Reads, makes and withdraws tokens of administrators in PostgreSQL; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class AdminTokenStore {
    private final AdminTokenRows rows;
    private final EntityCalls calls;

    AdminTokenStore(AdminTokenRows rows, EntityCalls calls) {
        this.rows = rows;
        this.calls = calls;
    }

    /** A token without its secret. */
    public record AdminToken(String name, String role, Instant expiresAt, Instant createdAt, String createdBy) {}

    /** The token with this hash, if it has not expired. */
    public Optional<AdminToken> find(byte[] hash) {
        return calls.call("looking for a token", () -> rows.find("hash = ?1 and expiresAt > ?2", hash, Instant.now())
                .firstResultOptional()
                .map(AdminTokenStore::token));
    }

    /** In the order of their names, those included that have expired. */
    public List<AdminToken> all() {
        return calls.call("reading the tokens", () -> rows.listAll(Sort.by("name")).stream()
                .map(AdminTokenStore::token)
                .toList());
    }

    /**
     * Keeps a new token.
     *
     * @param actor for the account of changes
     * @return what is kept, none if there is one of that name
     */
    public Optional<AdminToken> add(String actor, String name, String role, Instant expiresAt, byte[] hash) {
        return calls.call("making a token", () -> {
            // So that of two that are made at once, the second one finds the first.
            rows.getEntityManager()
                    .createNativeQuery("LOCK TABLE admin_token IN SHARE ROW EXCLUSIVE MODE")
                    .executeUpdate();
            if (rows.findByIdOptional(name).isPresent()) return Optional.<AdminToken>empty();
            act(actor);
            var row = new AdminTokenRow();
            row.name = name;
            row.role = role;
            row.expiresAt = expiresAt;
            row.hash = hash;
            rows.persist(row);
            rows.flush();
            rows.getEntityManager().refresh(row);
            return Optional.of(token(row));
        });
    }

    /**
     * Withdraws a token, at once and on all gateways.
     *
     * @param actor for the account of changes
     * @return whether there was one
     */
    public boolean remove(String actor, String name) {
        return calls.call("withdrawing a token", () -> {
            act(actor);
            return rows.deleteById(name);
        });
    }

    private void act(String actor) {
        rows.getEntityManager()
                .createNativeQuery("SELECT set_config('sluice.actor', ?1, true)")
                .setParameter(1, actor)
                .getSingleResult();
    }

    private static AdminToken token(AdminTokenRow row) {
        return new AdminToken(row.name, row.role, row.expiresAt, row.createdAt, row.createdBy);
    }

    /** The Panache repository of {@link AdminTokenRow}. */
    @ApplicationScoped
    static class AdminTokenRows implements PanacheRepositoryBase<AdminTokenRow, String> {}
}
