package dev.sluice.store;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.util.Map;

/** Points a Quarkus test at the embedded PostgreSQL that the other tests of this JVM use, for which it has patience on any machine. */
public class PostgresResource implements QuarkusTestResourceLifecycleManager {
    @Override
    public Map<String, String> start() {
        var patience = StoreRig.Settings.PATIENCE.toSeconds() + "s";
        return Map.of(
                "quarkus.datasource.jdbc.url", EmbeddedServer.shared().url(),
                "sluice.node.id", "node-1",
                "sluice.store.open-timeout", patience,
                "sluice.store.read-timeout", patience,
                "sluice.store.probe-timeout", patience);
    }

    /** The server ends with the JVM. */
    @Override
    public void stop() {}
}
