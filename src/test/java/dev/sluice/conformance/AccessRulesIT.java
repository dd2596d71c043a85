package dev.sluice.conformance;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** Who may publish and subscribe by rules, on two gateways that all of these tests share. */
class AccessRulesIT {
    static RuledGateways gateways;

    @BeforeAll
    static void start(@TempDir Path folder) {
        gateways = new RuledGateways(folder);
    }

    @AfterAll
    static void stop() {
        gateways.close();
    }

    @Nested
    class Rules extends AccessRulesCases {}

    @Nested
    class Changes extends AccessChangesCases {}
}
