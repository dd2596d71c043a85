package dev.sluice.store.audit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sluice.store.EntityCalls;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Page;
import io.quarkus.panache.common.Parameters;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.List;

/**
 * Reads who changed what, and adds what no trigger sees; blocks, so it is called on virtual threads. Rows stay inside, records go out.
 */
@ApplicationScoped
public class AuditLog {
    private static final String ADD =
            "INSERT INTO audit (actor, action, object, after) VALUES (?1, ?2, ?3, CAST(nullif(?4, '') AS jsonb))";

    private final AuditRows rows;
    private final EntityCalls calls;

    AuditLog(AuditRows rows, EntityCalls calls) {
        this.rows = rows;
        this.calls = calls;
    }

    /**
     * One change.
     *
     * @param action create, change, delete or refuse
     * @param object kind and name, such as {@code route/telemetry}
     * @param before JSON; null when it was created
     * @param after JSON; null when it was deleted
     */
    public record Entry(long id, Instant at, String actor, String action, String object, String before, String after) {}

    /**
     * Which changes; null fields for all.
     *
     * @param object what it has to begin with
     * @param before the id that the page ends before
     */
    public record Wanted(String object, String actor, Instant since, long before) {}

    /**
     * What is to be added.
     *
     * @param object kind and name
     * @param after JSON, null for none
     */
    public record Addition(String actor, String action, String object, String after) {
        /** Requests that were refused for the same reason; {@code object} is their method and path. */
        public static Addition refused(String actor, String object, int status, String detail, long requests) {
            var after = JsonNodeFactory.instance
                    .objectNode()
                    .put("status", status)
                    .put("detail", detail)
                    .put("requests", requests);
            return new Addition(actor, "refuse", object, after.toString());
        }
    }

    /** Adds all of them or none. */
    public void add(List<Addition> additions) {
        calls.call("writing the account of changes", () -> {
            for (var each : additions)
                rows.getEntityManager()
                        .createNativeQuery(ADD)
                        .setParameter(1, each.actor())
                        .setParameter(2, each.action())
                        .setParameter(3, each.object())
                        .setParameter(4, each.after() == null ? "" : each.after())
                        .executeUpdate();
            return additions.size();
        });
    }

    /** The latest change first. */
    public List<Entry> page(Wanted wanted, int size) {
        var where = new StringBuilder("id < :before");
        var parameters = Parameters.with("before", wanted.before);
        if (wanted.object != null) {
            where.append(" and object >= :from and object < :to");
            parameters
                    .and("from", wanted.object)
                    .and("to", wanted.object + Character.toString(Character.MAX_CODE_POINT));
        }
        if (wanted.actor != null) {
            where.append(" and actor = :actor");
            parameters.and("actor", wanted.actor);
        }
        if (wanted.since != null) {
            where.append(" and at >= :since");
            parameters.and("since", wanted.since);
        }
        return calls.call(
                "reading the account of changes",
                () -> rows.find(where.toString(), Sort.descending("id"), parameters).page(Page.ofSize(size)).stream()
                        .map(it -> new Entry(it.id, it.at, it.actor, it.action, it.object, it.before, it.after))
                        .toList());
    }

    /** The Panache repository of {@link AuditRow}. */
    @ApplicationScoped
    static class AuditRows implements PanacheRepositoryBase<AuditRow, Long> {}
}
