package dev.sluice.store;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.Map;

/** Points a Quarkus test at the embedded PostgreSQL that the other tests of this JVM use. */
public class PostgresResource implements QuarkusTestResourceLifecycleManager {
    @Override
    public Map<String, String> start() {
        return Map.of("quarkus.datasource.jdbc.url", EmbeddedServer.shared().url(), "sluice.node.id", "node-1");
    }

    /** The server ends with the JVM. */
    @Override
    public void stop() {}
}
