package dev.sluice.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What statements may rely on in a schema, and what it refuses: told by PostgreSQL's own catalogue, so that it does not matter how a migration
 * says it. Immutable.
 *
 * @param granted each a sentence
 * @param refused what may fail that would succeed without it
 */
record SchemaFacts(Set<String> granted, Set<Refusal> refused) {
    /** @param columns that it looks at, of that table; none for a function */
    record Refusal(String table, Set<String> columns, String text) {
        @Override
        public String toString() {
            return text;
        }
    }

    private static final String GRANTED = """
            SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE 'table ' END || relname FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
            UNION ALL
            SELECT c.relname || '.' || a.attname || ' is ' || format_type(a.atttypid, a.atttypmod)
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT p.oid::regprocedure || ' with ' || n || ' arguments returns ' || pg_get_function_result(p.oid)
              FROM pg_proc p, generate_series(p.pronargs::int - p.pronargdefaults, p.pronargs::int) n WHERE p.pronamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'ON CONFLICT finds' || regexp_replace(pg_get_indexdef(i.indexrelid), '.* INDEX \\S+ ON', '')
              FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
            UNION ALL
            SELECT 'trigger ' || t.tgname || ' of ' || c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
             WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal""";

    private static final String REFUSED = """
            SELECT c.relname, ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey))::text[],
                   c.relname || ' has to meet ' || pg_get_constraintdef(k.oid)
              FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
             WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('c', 'f', 'p', 'u', 'x')
            UNION ALL
            SELECT c.relname, ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey))::text[],
                   'rows have to differ in' || regexp_replace(pg_get_indexdef(i.indexrelid), '.* INDEX \\S+ ON', '')
              FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
            UNION ALL
            SELECT c.relname, '{}', c.relname || '.' || a.attname || ' has to be given'
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
            UNION ALL
            SELECT NULL, '{}', 'calls of ' || p.proname || ' with ' || n || ' arguments are ambiguous'
              FROM pg_proc p, generate_series(p.pronargs::int - p.pronargdefaults, p.pronargs::int) n
             WHERE p.pronamespace = 'public'::regnamespace GROUP BY p.proname, n HAVING count(*) > 1""";

    static SchemaFacts of(Connection connection) throws SQLException {
        var granted = new HashSet<String>();
        var refused = new HashSet<Refusal>();
        try (var statement = connection.createStatement()) {
            try (var rows = statement.executeQuery(GRANTED)) {
                while (rows.next()) granted.add(rows.getString(1));
            }
            try (var rows = statement.executeQuery(REFUSED)) {
                while (rows.next())
                    refused.add(new Refusal(
                            rows.getString(1),
                            Set.of((String[]) rows.getArray(2).getArray()),
                            rows.getString(3)));
            }
        }
        return new SchemaFacts(granted, refused);
    }

    /** What statements that ran on this schema may miss on a later one. */
    List<String> contractions(SchemaFacts later) {
        var found = new ArrayList<String>();
        for (var fact : new TreeSet<>(granted)) if (!later.granted.contains(fact)) found.add("no more: " + fact);
        later.refused.stream()
                .filter(it -> !refused.contains(it) && concerns(it))
                .map(it -> "from now on: " + it)
                .sorted()
                .forEach(found::add);
        return found;
    }

    /** Statements know no table that is new, nor do they fill columns that are. */
    private boolean concerns(Refusal refusal) {
        if (refusal.table == null) return true;
        if (!granted.contains("table " + refusal.table)) return false;
        return refusal.columns.isEmpty() || refusal.columns.stream().anyMatch(it -> knows(refusal.table, it));
    }

    private boolean knows(String table, String column) {
        return granted.stream().anyMatch(fact -> fact.startsWith(table + "." + column + " is "));
    }
}
