package dev.sluice.store.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.narayana.jta.QuarkusTransactionException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.persistence.PersistenceException;
import java.util.List;

/** Adds to the account of changes what no trigger sees; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class AuditStore {
    /** Seconds; the driver's own bound is the same for each statement. */
    private static final int TIMEOUT = 10;

    private static final String ADD =
            "INSERT INTO audit (actor, action, object, after) VALUES (?1, ?2, ?3, CAST(nullif(?4, '') AS jsonb))";

    private final EntityManager entities;
    private final StoreHealth health;

    AuditStore(EntityManager entities, StoreHealth health) {
        this.entities = entities;
        this.health = health;
    }

    /**
     * One line of the account.
     *
     * @param object kind and name
     * @param after JSON, null for none
     */
    public record Entry(String actor, String action, String object, String after) {
        /** Requests that were refused for the same reason; {@code object} is their method and path. */
        public static Entry refused(String actor, String object, int status, String detail, long requests) {
            var after = JsonNodeFactory.instance
                    .objectNode()
                    .put("status", status)
                    .put("detail", detail)
                    .put("requests", requests);
            return new Entry(actor, "refuse", object, after.toString());
        }
    }

    /** @throws StoreUnavailable when PostgreSQL cannot be asked now */
    public void add(List<Entry> entries) {
        if (!health.available()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        try {
            QuarkusTransaction.requiringNew().timeout(TIMEOUT).run(() -> {
                for (var each : entries)
                    entities.createNativeQuery(ADD)
                            .setParameter(1, each.actor())
                            .setParameter(2, each.action())
                            .setParameter(3, each.object())
                            .setParameter(4, each.after() == null ? "" : each.after())
                            .executeUpdate();
            });
        } catch (PersistenceException | QuarkusTransactionException failed) {
            throw new StoreUnavailable("writing the account: " + failed.getMessage(), failed);
        }
    }
}
