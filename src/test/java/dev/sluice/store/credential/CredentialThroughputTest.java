package dev.sluice.store.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.PostgresResource;
import dev.sluice.store.StoreHealth;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How fast an import is written, without the hashing of its passwords. */
@Tag("bench")
@QuarkusTest
@QuarkusTestResource(PostgresResource.class)
class CredentialThroughputTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    @Inject
    CredentialImport imports;

    @Inject
    StoreHealth health;

    @Test
    void aHundredThousandAreWrittenInAMinute() {
        await().until(health::available);
        var begun = System.nanoTime();
        CredentialStoreTest.write(imports, 100);
        var time = Duration.ofNanos(System.nanoTime() - begun);
        System.out.println("100,000 credentials written in " + time);
        assertThat(SERVER.value("SELECT count(*) FROM credential")).isEqualTo("100000");
        assertThat(time).isLessThan(Duration.ofMinutes(1));
    }
}
