package dev.sluice.store.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.credential.CredentialImport.Row;
import dev.sluice.store.credential.StoredCredential.Settings;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How fast an import is written, without the hashing of its passwords. */
@Tag("bench")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class CredentialThroughputTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String HASH = "$token$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc";
    private static final Settings SETTINGS =
            new Settings("{username}-*", Set.of("a"), Map.of("messages-in", 100L), null, null, false);

    @Inject
    CredentialImport imports;

    @Inject
    StoreHealth health;

    @Test
    void aHundredThousandAreWrittenInAMinute() {
        await().until(health::available);
        var begun = System.nanoTime();
        for (int i = 0; i < 100; i++) {
            var from = i * CredentialImport.BATCH;
            imports.write(
                    "imp",
                    IntStream.range(from, from + CredentialImport.BATCH)
                            .mapToObj(n -> new Row("device-" + n, HASH, SETTINGS))
                            .toList(),
                    false);
        }
        var time = Duration.ofNanos(System.nanoTime() - begun);
        System.out.println("100,000 credentials written in " + time);
        assertThat(SERVER.value("SELECT count(*) FROM credential")).isEqualTo("100000");
        assertThat(time).isLessThan(Duration.ofMinutes(1));
    }
}
