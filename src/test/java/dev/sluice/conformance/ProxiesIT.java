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
import dev.sluice.support.Programs;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Records;
import dev.sluice.support.Tls;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** nginx and HAProxy with the files of deploy/proxy, in front of a gateway that requires certificates and takes two sockets from each address. */
class ProxiesIT {
    private static final CertificateAuthority AUTHORITY = CertificateAuthority.named("authority");
    private static final Path EXAMPLES = Path.of("deploy/proxy");

    /** Trusted as well, and played by the test. */
    private static final String PROXY = "127.0.0.9";

    @TempDir
    static Path folder;

    private static final List<Process> PROXIES = new ArrayList<>();
    private static final List<GatewayProcess> GATEWAYS = new ArrayList<>();
    /** One that reads headers, and one that reads the PROXY protocol. */
    private static int byHeader;

    private static int byProtocol;
    /** Of the one that reads the PROXY protocol. */
    private static int tlsPort;

    /** A way to the gateway. */
    private enum Way {
        NGINX,
        HAPROXY,
        THROUGH,
        ENDED;

        private final int port = Ports.free();

        /** The port for devices of the gateway at its end. */
        int gateway() {
            return this == NGINX || this == HAPROXY ? byHeader : byProtocol;
        }
    }

    @BeforeAll
    static void start() throws IOException {
        var server = AUTHORITY.server().write(folder, "server");
        Files.writeString(
                folder.resolve("server.pem"),
                CertificateAuthority.pemOf(server.certificate()) + Files.readString(folder.resolve("server.key")));
        CertificateAuthority.replace(
                folder.resolve("devices-ca.crt"), CertificateAuthority.pemOf(AUTHORITY.certificate()));
        revoke();
        byHeader = gateway("sluice.proxy.forwarded=x-forwarded-for", "sluice.proxy.certificate-header=X-SSL-Cert");
        tlsPort = Ports.free();
        byProtocol = gateway(
                "sluice.proxy.protocol=true",
                "quarkus.http.ssl-port=" + tlsPort,
                "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve("devices-ca.crt"));
        startNginx();
        startHaproxy();
        for (var way : Way.values())
            await().ignoreExceptions().until(() -> {
                new RawHttp(way.port).close();
                return true;
            });
    }

    private static void startNginx() throws IOException {
        var nginx = example(
                "nginx.conf",
                "127.0.0.1:8080",
                "127.0.0.1:" + byHeader,
                "listen 8443",
                "listen 127.0.0.1:" + Way.NGINX.port);
        run(
                Programs.nginx(),
                "-e",
                folder.resolve("nginx.log").toString(),
                "-c",
                nginx.toString(),
                "-g",
                "daemon off; pid " + folder.resolve("nginx.pid") + "; error_log " + folder.resolve("nginx.log") + ";");
    }

    private static void startHaproxy() throws IOException {
        run(
                Programs.haproxy(),
                "-db",
                "-f",
                example(
                                "haproxy-http.cfg",
                                "127.0.0.1:8080",
                                "127.0.0.1:" + byHeader,
                                ":8443",
                                "127.0.0.1:" + Way.HAPROXY.port)
                        .toString());
        run(
                Programs.haproxy(),
                "-db",
                "-f",
                example(
                                "haproxy-tcp.cfg",
                                "127.0.0.1:8080",
                                "127.0.0.1:" + byProtocol,
                                "127.0.0.1:8444",
                                "127.0.0.1:" + tlsPort,
                                "bind :8443",
                                "bind 127.0.0.1:" + Way.THROUGH.port,
                                "bind :9443",
                                "bind 127.0.0.1:" + Way.ENDED.port)
                        .toString());
    }

    private static int gateway(String... more) {
        var port = new int[1];
        var options = Stream.concat(
                        Stream.of(
                                "sluice.mqtt.connections-per-address-maximum=2",
                                "sluice.proxy.trusted=127.0.0.1," + PROXY,
                                "sluice.tls.client-certificate=required",
                                "sluice.access.methods=certificate",
                                "sluice.tls.revocation-lists=" + folder.resolve("devices.crl"),
                                "sluice.tls.revocation-reload=500ms",
                                "sluice.mqtt.connect-timeout=20s"),
                        Arrays.stream(more))
                .map(option -> "-D" + option);
        GATEWAYS.add(Gateway.shared().startAnother(used -> port[0] = used, options.toArray(String[]::new)));
        return port[0];
    }

    /** An example with other ports, and paths in the test's folder. */
    private static Path example(String name, String... replaced) throws IOException {
        var text = Files.readString(EXAMPLES.resolve(name)).replace("/etc/sluice", folder.toString());
        for (int i = 0; i < replaced.length; i += 2) {
            assertThat(text).contains(replaced[i]);
            text = text.replace(replaced[i], replaced[i + 1]);
        }
        return Files.writeString(folder.resolve(name), text);
    }

    private static void run(String... command) throws IOException {
        PROXIES.add(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("proxies.log").toFile()))
                .start());
    }

    @AfterAll
    static void stop() {
        PROXIES.forEach(Programs::end);
        GATEWAYS.forEach(GatewayProcess::close);
    }

    private static void revoke(Certified... revoked) {
        var certificates = Arrays.stream(revoked).map(Certified::certificate).toList();
        CertificateAuthority.replace(folder.resolve("devices.crl"), AUTHORITY.revoking(certificates));
    }

    private static Tls tls() {
        return Tls.trusting(AUTHORITY.certificate());
    }

    private static WireClient online(Way way, Certified own) {
        var client = WireClient.open(way.port, ProtocolVersion.V5, tls().with(own));
        Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("proxied"), true, Properties.NONE));
        return client;
    }

    private static Certified device() {
        return AUTHORITY.client("CN=truck-1,OU=fleet");
    }

    /** The proxy, which all of them share, is none of the addresses that count. */
    @ParameterizedTest
    @EnumSource(Way.class)
    void theClientsAddressAndCertificateReachTheGateway(Way way) {
        var sockets = new ArrayList<RawHttp>();
        try {
            for (var address : List.of("127.0.0.31", "127.0.0.32")) {
                for (int i = 0; i < 3; i++) {
                    var socket = new RawHttp(way.port, address, tls().with(device()));
                    sockets.add(socket);
                    assertThat(status(socket, RawHttp.upgrade("GET /mqtt HTTP/1.1")))
                            .as("socket %d of %s", i, address)
                            .isIn(i < 2 ? List.of(101) : List.of(429, 0));
                }
            }
        } finally {
            sockets.forEach(RawHttp::close);
        }
    }

    private static int status(RawHttp socket, String request) {
        return socket.flood(request.getBytes(), 1) > 0 ? socket.status() : 0;
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void whoHasNoCertificateGetsNoWebSocket(Way way) {
        for (var headers : new String[][] {{}, {"X-SSL-Cert: " + header()}, {"X-Forwarded-For: 203.0.113.1"}}) {
            try (var socket = new RawHttp(way.port, "127.0.0.33", tls())) {
                assertThat(status(socket, RawHttp.upgrade("GET /mqtt HTTP/1.1", headers)))
                        .isIn(403, 0);
            }
        }
        var stranger = CertificateAuthority.named("authority").client("CN=truck-1");
        try (var socket = new RawHttp(way.port, "127.0.0.33", tls().with(stranger))) {
            assertThat(status(socket, RawHttp.upgrade("GET /mqtt HTTP/1.1"))).isIn(400, 403, 0);
        }
    }

    private static String header() {
        return CertificateAuthority.pemOf(device().certificate())
                .replace("\n", " ")
                .strip();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void theNameInTheCertificateIsTheUsers(Way way) {
        var clientId = Device.id("named");
        try (var client = WireClient.open(way.port, ProtocolVersion.V5, tls().with(device()))) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/both/telemetry/a", "named"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        assertThat(Records.of(Gateway.shared(), "wire.copy", clientId))
                .extracting(record -> record.header("mqtt-username"))
                .containsExactly("truck-1");
    }

    /** Not even beside a certificate of one's own. */
    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"NGINX", "HAPROXY"})
    void aHeaderOfTheClientIsReplaced(Way way) {
        var own = device();
        try (var client = WireClient.open(way.port, ProtocolVersion.V5, tls().with(own), "X-SSL-Cert: " + header())) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, Device.id("spoof"), true, Properties.NONE));
            revoke(own);
            assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        } finally {
            revoke();
        }
    }

    /** By the common name alone nobody can tell. */
    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"NGINX", "HAPROXY", "THROUGH"})
    void aCertificateIsRevokedWhoeverHasVerifiedIt(Way way) {
        var stolen = device();
        try (var client = online(way, stolen);
                var other = online(way, device())) {
            revoke(stolen);
            assertThat(client.receive(Packet.Disconnect.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            other.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
        } finally {
            revoke();
        }
    }

    @Test
    void adminStaysInside() {
        for (var way : List.of(Way.NGINX, Way.HAPROXY))
            try (var socket = new RawHttp(way.port, "127.0.0.34", tls().with(device()))) {
                assertThat(status(socket, "GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                        .isIn(403, 404);
            }
        try (var socket = new RawHttp(Way.ENDED.port, "127.0.0.34", tls().with(device()))) {
            assertThat(status(socket, "GET /admin/routes HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                    .isEqualTo(403);
        }
    }

    @Test
    void whatTheProxySaysIsSaidByNobodyElse() {
        assertThatThrownBy(() -> WireClient.open(byHeader, ProtocolVersion.V5, (Tls) null, "X-SSL-Cert: nonsense"))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("HTTP/1.1 400");
        assertThatThrownBy(() -> WireClient.open(
                        byHeader, ProtocolVersion.V5, (Tls) null, "X-SSL-Cert: " + header(), "X-SSL-Cert: " + header()))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("HTTP/1.1 400");
        try (var socket = new RawHttp(byHeader, "127.0.0.35")) {
            assertThat(socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1", "X-SSL-Cert: " + header()))
                            .status())
                    .isEqualTo(403);
        }
    }

    /** A proxy's certificate is not that of a client whose TLS it has ended. */
    @Test
    void theProxysOwnCertificateIsNotItsClients() {
        var withoutCertificate = ProxyProtocolCases.tlv(0x20, new byte[] {1, 0, 0, 0, 0});
        assertThat(statusOfProxy(ProxyProtocolCases.version2("203.0.113.7", withoutCertificate)))
                .isEqualTo(403);
        assertThat(statusOfProxy(ProxyProtocolCases.version2("203.0.113.8")))
                .as("a client whose TLS is passed on")
                .isEqualTo(101);
    }

    private static int statusOfProxy(byte[] header) {
        var own = AUTHORITY.client("CN=proxy");
        try (var socket = new RawHttp(tlsPort, PROXY, header, tls().with(own))) {
            return socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1")).status();
        }
    }

    /** Its servers have names that only containers know: it cannot run here. */
    @Test
    void haproxyUnderstandsTheFileOfCompose() throws Exception {
        var file = EXAMPLES.resolve("haproxy-fleet.cfg").toString();
        var check = new ProcessBuilder(Programs.haproxy(), "-c", "-f", file)
                .redirectErrorStream(true)
                .start();
        var said = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(check.waitFor()).as(said).isZero();
    }
}
