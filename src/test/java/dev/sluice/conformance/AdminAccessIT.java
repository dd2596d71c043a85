package dev.sluice.conformance;

import static dev.sluice.conformance.Admin.ROUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may administer: with a token, on a gateway of this test's own, to which nobody may connect, beside the shared one, which has no token. */
class AdminAccessIT {
    private static final String WRONG = "{\"filter\": \"a/{b\", \"kafkaTopic\": \"t\"}";
    private static final String GOOD = "{\"filter\": \"good/{x}\", \"kafkaTopic\": \"wire.talk\", \"key\": \"{x}\"}";
    private static long good;
    private static GatewayProcess gateway;
    private static int port;
    private static Path log;

    /** It starts while the stored routes are wrong. */
    @BeforeAll
    static void start() {
        var shared = Gateway.shared();
        shared.execute("INSERT INTO route (name, spec) VALUES ('good', '" + GOOD + "')");
        good = version("version");
        await().until(() -> version("good_version") == good);
        shared.execute("INSERT INTO route (name, spec) VALUES ('bad', '" + WRONG + "')");
        var settings = shared.settingsOfAnother("-Dsluice.admin.token=secret", "-Dsluice.access.methods=");
        port = settings.port();
        log = settings.data().resolve("gateway.log");
        gateway = GatewayProcess.start(settings);
        gateway.awaitReady();
    }

    private static long version(String column) {
        return Long.parseLong(
                Gateway.shared().query("SELECT coalesce(" + column + ", 0) FROM route_set WHERE ? <> ''", "x"));
    }

    @AfterAll
    static void stop() {
        Gateway.shared().execute("DELETE FROM route");
        gateway.close();
    }

    @Test
    void withATokenEachRequestMustBringIt() {
        assertThat(new Admin(port).get(ROUTES).status()).isEqualTo(401);
        assertThat(new Admin(port).get("/admin/nothing").status()).isEqualTo(401);
        assertThat(new Admin(port, "Authorization", "Bearer wrong").get(ROUTES).status())
                .isEqualTo(401);
        assertThat(new Admin(port, "Authorization", "Basic secret").get(ROUTES).status())
                .isEqualTo(401);
        assertThat(new Admin(port, "Authorization", "bearer secret").get(ROUTES).status())
                .isEqualTo(200);
        var fromElsewhere = new Admin(port, "Authorization", "Bearer secret", "X-Forwarded-For", "192.0.2.1");
        assertThat(fromElsewhere.get(ROUTES).status()).isEqualTo(200);
        assertThat(Gateway.send(port, "GET", ROUTES, null).headers().firstValue("WWW-Authenticate"))
                .hasValue("Bearer realm=\"sluice\"");
    }

    @Test
    void withoutOneARequestThatMayComeFromElsewhereIsRefused() throws IOException {
        var shared = Gateway.shared().port();
        for (var header : new String[] {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host"}) {
            var answer = new Admin(shared, header, "for=192.0.2.1").get(ROUTES);
            assertThat(answer.status()).as(header).isEqualTo(403);
            assertThat(answer.detail()).contains("set sluice.admin.token");
        }
        assertThat(statusFor(shared, "rebound.example")).isEqualTo("403");
        assertThat(statusFor(shared, "localhost:" + shared)).isEqualTo("200");
    }

    private static String statusFor(int port, String host) throws IOException {
        try (var socket = new Socket("127.0.0.1", port)) {
            var request = "GET " + ROUTES + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return answer.split(" ")[1];
        }
    }

    @Test
    void aWrongSetAtTheStartLeavesTheLastGoodOneInForce() {
        var all = new Admin(port, "Authorization", "Bearer secret").get(ROUTES).body();
        assertThat(all.path("inForce").asLong()).isEqualTo(good);
        assertThat(all.path("rejected").findValuesAsText("pointer")).containsExactly("/routes/bad/filter");
        assertThat(Gateway.get(port, "/q/metrics").body())
                .contains("sluice_routes_rejected 1.0")
                .contains("sluice_routes_version " + (double) good);
        assertThat(Gateway.get(port, "/q/health/ready").body()).contains("the last good set, version " + good);
        assertThat(recordsOf(port, "good/x")).isEqualTo(1);
    }

    /** This gateway's file makes the stored route the default one, which may not ask for what its filter captures. */
    @Test
    void aGoodSetThatDoesNotGoWithTheFileLeavesTheRoutesOfTheFileInForce() {
        var settings = Gateway.shared()
                .settingsOfAnother(
                        "-Dsluice.admin.token=secret",
                        "-Dsluice.uplink.unmatched=default-route",
                        "-Dsluice.uplink.default-route=good",
                        "-Dsluice.uplink.routes.good.kafka-topic=wire.talk");
        try (var other = GatewayProcess.start(settings)) {
            other.awaitReady();
            assertThat(Gateway.get(settings.port(), "/q/health/ready").body())
                    .contains("the routes of the configuration file alone");
        }
    }

    /** The default of a production start. */
    @Test
    void nobodyConnectsWhereNoMethodIsConfigured() throws IOException {
        assertThat(Files.readAllLines(log))
                .filteredOn(line -> line.contains("no client can connect"))
                .singleElement()
                .asString()
                .contains("WARN", "sluice.access.methods is not set", "anonymous, password, token");
        for (var version : ProtocolVersion.values())
            try (var client = WireClient.open(port, version)) {
                var code = version.isV5() ? ReasonCode.NOT_AUTHORIZED.value() : 5;
                AccessIT.assertRefused(client, AccessIT.withPassword(version), code);
            }
        try (var client = WireClient.open(port, ProtocolVersion.V5)) {
            var asked = Device.connect(ProtocolVersion.V5, Device.id("access"), true, AccessIT.UNKNOWN);
            AccessIT.assertRefused(client, asked, ReasonCode.BAD_AUTHENTICATION_METHOD.value());
        }
        assertThat(Gateway.get(port, "/q/metrics").body())
                .containsPattern("sluice_authentications_total\\{.*outcome=\"not_authorized\".*} 3.0");
    }

    private static int recordsOf(int port, String topic) {
        return new Admin(port, "Authorization", "Bearer secret")
                .post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': '" + topic + "'}")
                .body()
                .path("records")
                .size();
    }
}
