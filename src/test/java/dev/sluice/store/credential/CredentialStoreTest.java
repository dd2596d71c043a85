package dev.sluice.store.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.audit.AuditLog;
import dev.sluice.store.credential.CredentialImport.Row;
import dev.sluice.store.credential.CredentialStore.Wanted;
import dev.sluice.store.credential.StoredCredential.Settings;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Credentials as Quarkus, Hibernate and PostgreSQL keep them: versions, pages, the account of changes, and imports. */
@Tag("postgres")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class CredentialStoreTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String HASH = "$token$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";
    private static final String OTHER = "$token$c29tZXNhbHQ$DTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";
    private static final Settings SETTINGS = new Settings(
            "{username}-*",
            Set.of("a"),
            Map.of("identity.connections", 3L, "messages-in", 100L),
            Instant.parse("2026-01-01T00:00:00Z"),
            Instant.parse("2099-01-01T00:00:00Z"),
            false);

    @Inject
    CredentialStore store;

    @Inject
    CredentialReader reader;

    @Inject
    CredentialImport imports;

    @Inject
    AuditLog audit;

    @Inject
    StoreHealth health;

    @BeforeEach
    void empty() {
        await().until(health::available);
        SERVER.execute("DELETE FROM credential");
        SERVER.execute("DELETE FROM audit");
    }

    private StoredCredential put(String username, String hash, Settings settings) {
        return store.change("ann", username, _ -> new Wanted(hash, settings, null))
                .after();
    }

    @Test
    void aCredentialIsKeptAndReadAlike() {
        var made = put("truck-7", HASH, SETTINGS);
        assertThat(made)
                .isEqualTo(store.find("truck-7").orElseThrow())
                .isEqualTo(reader.find("truck-7").orElseThrow());
        assertThat(made.settings()).isEqualTo(SETTINGS);
        assertThat(made.scheme()).isEqualTo("token");
        assertThat(made.updatedBy()).isEqualTo("ann");
        assertThat(made.secretAt()).isEqualTo(made.updatedAt());
        assertThat(made.toString()).doesNotContain(HASH);

        var changed = put("truck-7", HASH, Settings.NONE);
        assertThat(changed.version()).isGreaterThan(made.version());
        assertThat(changed.secretAt()).isEqualTo(made.secretAt());
        assertThat(put("truck-7", OTHER, Settings.NONE).secretAt()).isAfter(made.secretAt());
        assertThat(store.change("bob", "truck-7", _ -> null).after()).isNull();
        assertThat(reader.find("truck-7")).isEmpty();
        assertThat(put("truck-7", HASH, SETTINGS).version()).isGreaterThan(changed.version());
        assertThat(reader.find("a\0b")).isEmpty();
    }

    @Test
    void everyChangeIsInTheAccountWithoutSecrets() {
        put("truck-7", HASH, SETTINGS);
        put("truck-7", OTHER, Settings.NONE);
        store.change("bob", "truck-7", _ -> null);
        SERVER.execute("INSERT INTO credential (username, hash) VALUES ('by hand', '" + HASH + "')");
        var entries = audit.page(new AuditLog.Wanted("credential/", null, null, Long.MAX_VALUE), 10);
        assertThat(entries)
                .extracting(it -> it.actor() + " " + it.action() + " " + it.object())
                .containsExactly(
                        "postgres create credential/by hand",
                        "bob delete credential/truck-7",
                        "ann change credential/truck-7",
                        "ann create credential/truck-7");
        assertThat(entries)
                .allSatisfy(it -> assertThat(it.before() + it.after()).doesNotContain("$token$"));
        assertThat(entries.get(3).after()).contains("\"clientIdPattern\": \"{username}-*\"");
        var page = audit.page(
                new AuditLog.Wanted(
                        "credential/truck", "ann", Instant.EPOCH, entries.get(2).id()),
                10);
        assertThat(page).containsExactly(entries.get(3));
    }

    @Test
    void whatChangedSinceIsReadFromTheAccount() {
        put("earlier", HASH, Settings.NONE);
        var last = reader.last();
        assertThat(reader.since(last)).isEqualTo(new CredentialReader.Changes(last, Set.of(), false));
        put("new", HASH, Settings.NONE);
        put("earlier", OTHER, Settings.NONE);
        store.change("bob", "new", _ -> null);
        var changes = reader.since(last);
        assertThat(changes.usernames()).containsExactlyInAnyOrder("earlier", "new");
        assertThat(reader.since(changes.last()).usernames()).isEmpty();
    }

    @Test
    void pagesAreInTheOrderOfBytesAndHaveAPrefix() {
        for (var name : List.of("b", "a-2", "a-1", "Z", "ä", "a-\uD83D\uDE00")) put(name, HASH, Settings.NONE);
        assertThat(store.page("", "", 3)).extracting(StoredCredential::username).containsExactly("Z", "a-1", "a-2");
        assertThat(store.page("", "a-2", 10))
                .extracting(StoredCredential::username)
                .containsExactly("a-\uD83D\uDE00", "b", "ä");
        assertThat(store.page("a-", "a-1", 10))
                .extracting(StoredCredential::username)
                .containsExactly("a-2", "a-\uD83D\uDE00");
    }

    @Test
    void postgresRefusesWhatNobodyCouldUse() {
        assertThatThrownBy(() -> put("x", "plain", Settings.NONE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> put("x".repeat(1025), HASH, Settings.NONE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SERVER.execute("TRUNCATE credential")).hasStackTraceContaining("no account");
    }

    @Test
    void anImportSkipsOrReplacesWhatIsThere() {
        put("b", HASH, SETTINGS);
        store.change("ann", "b", it -> new Wanted(it.hash(), it.settings(), Instant.now()));
        var rows = List.of(new Row("a", OTHER, SETTINGS), new Row("b", OTHER, Settings.NONE));
        assertThat(imports.existing(List.of("a", "b", "c"))).containsExactly("b");
        assertThat(imports.write("imp", rows, false)).containsExactly("a");
        assertThat(reader.find("b").orElseThrow().hash()).isEqualTo(HASH);
        assertThat(imports.write("imp", rows, true)).containsExactlyInAnyOrder("a", "b");
        var replaced = reader.find("b").orElseThrow();
        assertThat(replaced.hash()).isEqualTo(OTHER);
        assertThat(replaced.revokedAt()).isNull();
        assertThat(reader.find("a").orElseThrow().settings()).isEqualTo(SETTINGS);
        assertThat(replaced.updatedBy()).isEqualTo("imp");
    }

    /** So many batches of credentials that are new. */
    static void write(CredentialImport imports, int batches) {
        for (int i = 0; i < batches; i++) {
            var from = i * CredentialImport.BATCH;
            imports.write(
                    "imp",
                    IntStream.range(from, from + CredentialImport.BATCH)
                            .mapToObj(n -> new Row("device-" + n, HASH, SETTINGS))
                            .toList(),
                    false);
        }
    }

    /** As many as {@link CredentialThroughputTest} writes against the clock need not be there for it. */
    @Test
    void theAccountHasAPageForEachBatchOfAnImport() {
        write(imports, 3);
        assertThat(SERVER.value("SELECT count(*) FROM credential")).isEqualTo("3000");
        var pages = 0;
        for (var page = reader.since(0); page.more(); page = reader.since(page.last())) {
            assertThat(page.usernames()).isEmpty();
            pages++;
        }
        assertThat(pages).as("of the account").isGreaterThanOrEqualTo(3000 / CredentialReader.PAGE);
    }
}
