package dev.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class SchemaTest {
    /** The order of any other collation may change under an index, with a library of the system or on a standby, and it finds nothing then. */
    @Test
    void indexesOfTextAreInTheOrderOfBytes() {
        assertThat(EmbeddedServer.shared().value("""
                SELECT string_agg(i.indexrelid::regclass::text, ', ')
                  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                 WHERE c.relnamespace = 'public'::regnamespace
                   AND EXISTS (SELECT FROM unnest(i.indcollation::oid[]) o WHERE o <> 0 AND o <> '"C"'::regcollation)""")).isNull();
    }
}
