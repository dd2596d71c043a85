package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.CertificateAuthority.Certified;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Records;
import dev.sluice.support.Tls;
import dev.sluice.support.WireClient;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two gateways that know the authority of devices: one asks for certificates, the other one requires them and trusts a proxy. */
class MutualTlsIT {
    private static final CertificateAuthority SERVERS = CertificateAuthority.named("authority of servers");
    private static final CertificateAuthority DEVICES = CertificateAuthority.named("authority of devices");
    private static final CertificateAuthority NEXT = CertificateAuthority.named("next authority of devices");

    private static final String PROXY = "127.0.0.9";

    @TempDir
    static Path folder;

    private static GatewayProcess requesting;
    private static GatewayProcess requiring;
    private static int requestingPort;
    private static int requestingPlainPort;
    private static int requiringPort;
    private static int requiringPlainPort;

    @BeforeAll
    static void start() {
        SERVERS.server().write(folder, "server");
        revoke(folder);
        trust(DEVICES, NEXT);
        requestingPort = Ports.free();
        requiringPort = Ports.free();
        requesting = Gateway.shared()
                .startAnother(
                        used -> requestingPlainPort = used,
                        options(
                                requestingPort,
                                "sluice.tls.client-certificate=request",
                                "quarkus.http.insecure-requests=disabled"));
        requiring = Gateway.shared()
                .startAnother(
                        used -> requiringPlainPort = used,
                        options(
                                requiringPort,
                                "sluice.tls.client-certificate=required",
                                "sluice.access.methods=certificate",
                                "sluice.proxy.trusted=" + PROXY + "/32",
                                "sluice.proxy.forwarded=x-forwarded-for",
                                "quarkus.http.insecure-requests=redirect"));
    }

    private static String[] options(int port, String... more) {
        return Stream.concat(
                        Stream.of(
                                "quarkus.http.ssl-port=" + port,
                                "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                                "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                                "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve("devices.crt"),
                                "sluice.tls.reload-interval=1s",
                                "sluice.tls.revocation-lists=" + folder.resolve("devices.crl"),
                                "sluice.tls.revocation-reload=500ms",
                                "sluice.mqtt.connect-timeout=20s"),
                        Stream.of(more))
                .map(option -> "-D" + option)
                .toArray(String[]::new);
    }

    private static void trust(CertificateAuthority... authorities) {
        var all = new StringBuilder();
        for (var authority : authorities) all.append(CertificateAuthority.pemOf(authority.certificate()));
        CertificateAuthority.replace(folder.resolve("devices.crt"), all.toString());
    }

    private static void revoke(Path folder, Certified... revoked) {
        var certificates = Arrays.stream(revoked).map(Certified::certificate).toList();
        CertificateAuthority.replace(folder.resolve("devices.crl"), DEVICES.revoking(certificates));
    }

    @AfterAll
    static void stop() {
        requesting.close();
        requiring.close();
    }

    private static Tls tls(String version, Certified own) {
        return Tls.trusting(SERVERS.certificate(), version).with(own);
    }

    private static WireClient online(int port, Tls tls) {
        var client = WireClient.open(port, ProtocolVersion.V5, tls);
        Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("mutual"), true, Properties.NONE));
        return client;
    }

    private static void assertAnswers(WireClient client) {
        client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
    }

    private static void assertRefused(int port, Tls tls) {
        assertThatThrownBy(() -> WireClient.open(port, ProtocolVersion.V5, tls))
                .isInstanceOf(UncheckedIOException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aCertificateOfTheAuthorityIsTakenAndNoOtherOne(String version) {
        for (int port : new int[] {requestingPort, requiringPort}) {
            try (var client = online(port, tls(version, DEVICES.client("CN=truck-1,OU=fleet")))) {
                assertAnswers(client);
            }
            var stranger = CertificateAuthority.named("authority of devices");
            assertRefused(port, tls(version, stranger.client("CN=truck-1,OU=fleet")));
            assertRefused(port, tls(version, DEVICES.leaf("CN=truck-1", Duration.ofHours(-1))));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void aClientWithoutACertificateIsTakenWhereNoneIsRequired(String version) {
        try (var client = online(requestingPort, tls(version, null))) {
            assertAnswers(client);
        }
        assertRefused(requiringPort, tls(version, null));
    }

    @Test
    void thePortWithoutTlsIsClosedOrLeadsToTheOtherOne() {
        assertThatThrownBy(() -> new RawHttp(requestingPlainPort)).isInstanceOf(UncheckedIOException.class);
        try (var socket = new RawHttp(requiringPlainPort)) {
            assertThat(socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1")).head())
                    .startsWith("HTTP/1.1 301")
                    .containsIgnoringCase("location: https://localhost:" + requiringPort + "/mqtt\r\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void whoseCertificateIsRevokedIsDisconnected(String version) {
        var revoked = DEVICES.client("CN=stolen");
        try (var stolen = online(requestingPort, tls(version, revoked));
                var other = online(requestingPort, tls(version, DEVICES.client("CN=kept")));
                var without = online(requestingPort, tls(version, null))) {
            var before = Gateway.metric(requestingPlainPort, "sluice_revocation_disconnects_total");
            revoke(folder, revoked);
            assertThat(stolen.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(stolen.closeStatus()).isEqualTo(1008);
            assertRefusedByConnAck(requestingPort, tls(version, revoked));
            assertAnswers(other);
            assertAnswers(without);
            assertThat(Gateway.metric(requestingPlainPort, "sluice_revocation_disconnects_total"))
                    .isEqualTo(before + 1);
        } finally {
            revoke(folder);
        }
    }

    private static void assertRefusedByConnAck(int port, Tls tls) {
        try (var client = WireClient.open(port, ProtocolVersion.V5, tls)) {
            client.connect(Device.connect(ProtocolVersion.V5, Device.id("refused"), true, Properties.NONE));
            assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    /** Whatever name the client says in its CONNECT. */
    @Test
    void theNameInTheCertificateIsTheUsers() {
        var clientId = Device.id("named");
        try (var client = WireClient.open(
                requiringPort, ProtocolVersion.V5, tls("TLSv1.3", DEVICES.client("CN=truck-17,OU=fleet")))) {
            Device.connected(
                    client,
                    new Packet.Connect(
                            ProtocolVersion.V5, true, 60, clientId, null, "somebody else", null, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/both/telemetry/a", "named"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(Records.of(Gateway.shared(), "wire.copy", clientId))
                .extracting(record -> record.header("mqtt-username"))
                .containsExactly("truck-17");
    }

    /** What a half-written file says is not that nobody is revoked. */
    @Test
    void aListThatCannotBeReadChangesNothing() {
        var before = Gateway.metric(requestingPlainPort, "sluice_revocation_failures_total");
        try (var client = online(requestingPort, tls("TLSv1.3", DEVICES.client("CN=truck-1")))) {
            for (var text : List.of("", "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", "nothing")) {
                CertificateAuthority.replace(folder.resolve("devices.crl"), text);
                var failures = Gateway.metric(requestingPlainPort, "sluice_revocation_failures_total");
                await().until(() ->
                        Gateway.metric(requestingPlainPort, "sluice_revocation_failures_total") > failures + 1);
            }
            assertAnswers(client);
        } finally {
            revoke(folder);
        }
        assertThat(Gateway.metric(requestingPlainPort, "sluice_revocation_failures_total"))
                .isGreaterThan(before);
    }

    /** Who is connected stays, as with a new certificate of the gateway's own. */
    @Test
    void anAuthorityThatIsTakenAwayLetsNobodyInAnyMore() {
        var last = DEVICES.client("CN=last");
        var resuming = tls("TLSv1.3", last).resuming();
        online(requiringPort, resuming).close();
        try (var old = online(requestingPort, tls("TLSv1.3", last))) {
            trust(NEXT);
            await().untilAsserted(() -> assertRefused(requiringPort, tls("TLSv1.3", last)));
            assertAnswers(old);
            // A session that is resumed has no handshake in which certificates are looked at.
            assertThatThrownBy(() -> WireClient.open(requiringPort, ProtocolVersion.V5, resuming))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageStartingWith("HTTP/1.1 403");
            try (var next = online(requestingPort, tls("TLSv1.3", NEXT.client("CN=next")))) {
                assertAnswers(next);
            }
        } finally {
            trust(DEVICES, NEXT);
            await().ignoreExceptions().until(() -> {
                online(requiringPort, tls("TLSv1.3", last)).close();
                return true;
            });
        }
    }

    /** Of a proxy that ends its clients' TLS, and has a certificate of its own for the gateway. */
    @Test
    void theProxysCertificateIsNotThatOfAClientWhichItNames() {
        assertThat(statusOfProxy("X-Forwarded-For: 203.0.113.7")).isEqualTo(403);
        assertThat(statusOfProxy()).as("the proxy itself").isEqualTo(101);
    }

    private static int statusOfProxy(String... headers) {
        try (var socket = new RawHttp(requiringPort, PROXY, tls("TLSv1.3", DEVICES.client("CN=proxy")))) {
            return socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1", headers)).status();
        }
    }

    @Test
    void howLongTheGatewaysCertificateIsGoodIsTold() {
        assertThat(Gateway.metric(requiringPlainPort, "sluice_tls_certificate_expires_seconds"))
                .isBetween(
                        Duration.ofDays(29).toSeconds() * 1.0,
                        Duration.ofDays(30).toSeconds() * 1.0);
    }
}
