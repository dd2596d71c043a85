package dev.sluice.conformance;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.support.Gateway;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** Clients that prove who they are by a secret that is kept in PostgreSQL, on two gateways that all of these tests share. */
class CredentialIT {
    static final List<Integer> PORTS = new ArrayList<>();
    private static final List<GatewayProcess> GATEWAYS = new ArrayList<>();

    @BeforeAll
    static void start() {
        var database = Gateway.shared().databaseOfItsOwn();
        for (int i = 0; i < 2; i++)
            GATEWAYS.add(Gateway.shared()
                    .startAnother(
                            PORTS::add,
                            database,
                            "-Dsluice.access.methods=password,scram",
                            "-Dsluice.access.password.argon2-memory-kib=1024",
                            "-Dsluice.access.password.free-failures=1000"));
    }

    @AfterAll
    static void stop() {
        GATEWAYS.forEach(GatewayProcess::close);
    }

    static Admin admin() {
        return new Admin(PORTS.getFirst(), "X-Sluice-Actor", "ann");
    }

    @Nested
    class Secrets extends CredentialCases {}

    @Nested
    class Scram extends ScramCases {}
}
