package dev.sluice.conformance;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** Who may connect by a secret that is kept in PostgreSQL, and what rules let them do: on two gateways that all of these tests share. */
class CredentialIT {
    static RuledGateways gateways;

    @BeforeAll
    static void start(@TempDir Path folder) {
        gateways = new RuledGateways(folder);
    }

    @AfterAll
    static void stop() {
        gateways.close();
    }

    static int port(int gateway) {
        return gateways.ports().get(gateway);
    }

    static Admin admin() {
        return new Admin(port(0), "X-Sluice-Actor", "ann");
    }

    @Nested
    class Secrets extends CredentialCases {}

    @Nested
    class Scram extends ScramCases {}

    @Nested
    class Rules extends AccessRulesCases {}

    @Nested
    class Changes extends AccessChangesCases {}
}
