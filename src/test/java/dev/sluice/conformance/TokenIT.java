package dev.sluice.conformance;

import static org.awaitility.Awaitility.await;

import dev.sluice.access.token.TestIssuer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** Tokens of devices and of administrators, on a gateway that all of these tests share. */
class TokenIT {
    static final TestIssuer ISSUER = new TestIssuer();
    static int port;
    private static GatewayProcess gateway;

    @BeforeAll
    static void start() {
        var devices = "-Dsluice.access.token.issuers.devices.";
        var corp = "-Dsluice.admin.issuers.corp.";
        var options = new ArrayList<>(List.of(
                "-Dsluice.access.methods=token",
                "-Dsluice.access.authorization-header=true",
                "-Dsluice.access.cookie=token",
                "-Dsluice.access.query-parameter=token",
                "-Dsluice.access.token.size-maximum=3000",
                "-Dsluice.access.token.unknown-key-interval=0s",
                "-Dsluice.access.token.fetch-timeout=1s",
                devices + "issuer=" + TestIssuer.NAME,
                devices + "audience=" + TestIssuer.AUDIENCE,
                devices + "jwks-url=" + ISSUER.url(),
                devices + "skew=0s",
                devices + "limits-claim=limits",
                devices + "client-id-pattern={username}-*",
                "-Dsluice.admin.token=secret",
                corp + "issuer=" + TestIssuer.NAME,
                corp + "audience=sluice-admin",
                corp + "jwks-url=" + ISSUER.url(),
                corp + "role-claim=/realm_access/roles",
                corp + "role-prefix=sluice-",
                corp + "skew=0s"));
        options.addAll(TokenAttackCases.options());
        gateway = Gateway.shared().startAnother(it -> port = it, options.toArray(String[]::new));
        await("keys, for which a busy machine has little time").until(TokenIT::hasKeys);
    }

    private static boolean hasKeys() {
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            var answer = client.connect(TokenAttackCases.honest()).receive(Packet.ConnAck.class);
            return answer.reason() == ReasonCode.SUCCESS;
        }
    }

    @AfterAll
    static void stop() {
        gateway.close();
        ISSUER.close();
    }

    @Nested
    class Clients extends TokenCases {}

    @Nested
    class Attacks extends TokenAttackCases {}

    @Nested
    class Admins extends AdminRoleCases {}
}
