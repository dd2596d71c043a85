package dev.sluice.store.admin;

import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.narayana.jta.QuarkusTransactionException;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Reads, makes and withdraws tokens of administrators in PostgreSQL; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class AdminTokenStore {
    /** Seconds; the driver's own bound is the same for each statement. */
    private static final int TIMEOUT = 10;

    private final AdminTokenRows rows;
    private final StoreHealth health;

    AdminTokenStore(AdminTokenRows rows, StoreHealth health) {
        this.rows = rows;
        this.health = health;
    }

    /** A token without its secret. */
    public record AdminToken(String name, String role, Instant expiresAt, Instant createdAt, String createdBy) {}

    /** The token with this hash, if it has not expired. */
    public Optional<AdminToken> find(byte[] hash) {
        return call("looking for a token", () -> rows.find("hash = ?1 and expiresAt > ?2", hash, Instant.now())
                .firstResultOptional()
                .map(AdminTokenStore::token));
    }

    /** In the order of their names, those included that have expired. */
    public List<AdminToken> all() {
        return call("reading the tokens", () -> rows.listAll(Sort.by("name")).stream()
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
        return call("making a token", () -> {
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
        return call("withdrawing a token", () -> {
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

    /** In a transaction of its own. */
    private <T> T call(String what, Callable<T> work) {
        if (!health.available()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        var done = new boolean[1];
        try {
            return QuarkusTransaction.requiringNew().timeout(TIMEOUT).call(() -> {
                var result = work.call();
                done[0] = true;
                return result;
            });
        } catch (PersistenceException | QuarkusTransactionException failed) {
            throw new StoreUnavailable(what + ": " + failed.getMessage(), failed, done[0]);
        }
    }

    /** The Panache repository of {@link AdminTokenRow}. */
    @ApplicationScoped
    static class AdminTokenRows implements PanacheRepositoryBase<AdminTokenRow, String> {}
}
