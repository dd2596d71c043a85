package dev.sluice.store.rule;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sluice.store.EntityCalls;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Sort;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Reads and changes the rules in PostgreSQL; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class RuleStore {
    /** Seconds, for all statements of a call; the driver has a bound for each. */
    private static final int TIMEOUT = 30;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String OBJECT = "rule/";

    private static final String HISTORY = """
            SELECT id, at, actor, action, object, CAST(before AS text), CAST(after AS text) FROM audit
             WHERE object >= ?1 AND object < ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4""";

    private static final String KEEP = """
            UPDATE access_rule_set s SET good_version = s.version, good = (
                SELECT coalesce(jsonb_object_agg(r.name, access_rule_json(r)), '{}') FROM access_rule r)
             WHERE s.version = ?1 AND coalesce(s.good_version, -1) < s.version""";

    private final RuleRows rows;
    private final EntityCalls calls;

    RuleStore(RuleRows rows, EntityCalls calls) {
        this.rows = rows;
        this.calls = calls;
    }

    /** One change of a rule; {@code before} and {@code after} are null where there was no rule. */
    public record Change(
            long id, Instant at, String actor, String action, String rule, JsonNode before, JsonNode after) {}

    /**
     * A set of rules that was right.
     *
     * @param rules by name
     */
    public record Good(long version, JsonNode rules) {}

    /**
     * What a change has made of the rules.
     *
     * @param wanted what the change returned
     */
    public record Changed<T>(StoredRules before, StoredRules after, T wanted) {}

    /** The rules as they are now. */
    public StoredRules read() {
        return calls.call("reading the rules", TIMEOUT, () -> read(version("")));
    }

    /**
     * Changes the rules, while nobody else does. What makes no difference is not written.
     *
     * @param actor for the account of changes
     * @param change gets the rules as they are, and returns what they are to be; what it throws ends the change
     * @param specs gives each rule, by name, of what the change returned
     */
    public <T> Changed<T> change(
            String actor, Function<StoredRules, T> change, Function<T, Map<String, ObjectNode>> specs) {
        return calls.call("changing the rules", TIMEOUT, () -> {
            var before = read(version(" FOR UPDATE"));
            var wanted = change.apply(before);
            rows.getEntityManager()
                    .createNativeQuery("SELECT set_config('sluice.actor', ?1, true)")
                    .setParameter(1, actor)
                    .getSingleResult();
            put(specs.apply(wanted));
            return new Changed<>(before, read(version("")), wanted);
        });
    }

    private long version(String lock) {
        return ((Number) rows.getEntityManager()
                        .createNativeQuery("SELECT version FROM access_rule_set" + lock)
                        .getSingleResult())
                .longValue();
    }

    private StoredRules read(long version) {
        var rules = new TreeMap<String, StoredRules.Entry>();
        for (var row : rows.listAll(Sort.by("name")))
            rules.put(row.name, new StoredRules.Entry(row.spec(), row.version, row.updatedAt, row.updatedBy));
        return new StoredRules(version, rules);
    }

    /** Writes, and forgets, the rows: triggers have given them versions. */
    private void put(Map<String, ObjectNode> wanted) {
        var gone = new HashMap<String, RuleRow>();
        for (var row : rows.listAll()) gone.put(row.name, row);
        wanted.forEach((name, spec) -> {
            var known = gone.remove(name);
            var row = known == null ? new RuleRow() : known;
            row.name = name;
            row.set(spec);
            if (known == null) rows.persist(row);
        });
        gone.values().forEach(rows::delete);
        rows.flush();
        rows.getEntityManager().clear();
    }

    /** The set that was kept last. */
    public Optional<Good> good() {
        return calls.call("reading the last good rules", TIMEOUT, () -> {
            var kept = (Object[]) rows.getEntityManager()
                    .createNativeQuery("SELECT good_version, CAST(good AS text) FROM access_rule_set")
                    .getSingleResult();
            return kept[0] == null
                    ? Optional.<Good>empty()
                    : Optional.of(new Good(((Number) kept[0]).longValue(), json((String) kept[1])));
        });
    }

    /**
     * Keeps the set of this version, which is right, unless there is a newer one; does not wait for those who change rules.
     *
     * @return false if somebody is changing rules, so that it is to be tried again
     */
    public boolean keep(long version) {
        return calls.call("keeping the good rules", TIMEOUT, () -> {
            var free = rows.getEntityManager()
                    .createNativeQuery("SELECT version FROM access_rule_set FOR UPDATE SKIP LOCKED")
                    .getResultList();
            if (free.isEmpty()) return false;
            rows.getEntityManager()
                    .createNativeQuery(KEEP)
                    .setParameter(1, version)
                    .executeUpdate();
            return true;
        });
    }

    /**
     * Who changed which rule, the latest change first.
     *
     * @param rule null for all
     * @param before the id that the page ends before
     */
    public List<Change> history(String rule, long before, int count) {
        return calls.call("reading the history of the rules", TIMEOUT, () -> {
            var query = rows.getEntityManager()
                    .createNativeQuery(HISTORY)
                    .setParameter(1, rule == null ? OBJECT : OBJECT + rule)
                    // The next string after all that begin like this, or after this one.
                    .setParameter(2, rule == null ? "rule0" : OBJECT + rule + "\u0001")
                    .setParameter(3, before)
                    .setParameter(4, count);
            var changes = new ArrayList<Change>();
            for (var row : query.getResultList()) changes.add(change((Object[]) row));
            return changes;
        });
    }

    private static Change change(Object[] row) {
        return new Change(
                ((Number) row[0]).longValue(),
                (Instant) row[1],
                (String) row[2],
                (String) row[3],
                ((String) row[4]).substring(OBJECT.length()),
                json((String) row[5]),
                json((String) row[6]));
    }

    private static JsonNode json(String text) {
        try {
            return text == null ? null : JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("jsonb that is not JSON", e);
        }
    }

    /** The Panache repository of {@link RuleRow}. */
    @ApplicationScoped
    static class RuleRows implements PanacheRepositoryBase<RuleRow, String> {}
}
