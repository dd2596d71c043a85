package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.support.Gateway;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Tls;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gateways that require a certificate, and a proxy that ends its clients' TLS and has a certificate of its own for the gateway. */
class ProxyCertificateIT {
    private static final String PROXY = "127.0.0.9";
    private static final CertificateAuthority AUTHORITY = CertificateAuthority.named("authority");

    @TempDir
    static Path folder;

    @BeforeAll
    static void write() {
        AUTHORITY.server().write(folder, "server");
        CertificateAuthority.replace(
                folder.resolve("authority.crt"), CertificateAuthority.pemOf(AUTHORITY.certificate()));
    }

    private static String[] options(int port, String... more) {
        var options = Stream.of(
                "-Dquarkus.http.ssl-port=" + port,
                "-Dquarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                "-Dquarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                "-Dsluice.tls.client-certificate=required",
                "-Dsluice.proxy.trusted=" + PROXY + "/32");
        return Stream.concat(options, Stream.of(more)).toArray(String[]::new);
    }

    private static String trustStore() {
        return "-Dquarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve("authority.crt");
    }

    private static int status(int port, String... headers) {
        var tls = Tls.trusting(AUTHORITY.certificate(), "TLSv1.3").with(AUTHORITY.client("CN=proxy"));
        try (var socket = new RawHttp(port, PROXY, new byte[0], tls)) {
            return socket.send(RawHttp.upgrade("GET /mqtt HTTP/1.1", headers)).status();
        }
    }

    @Test
    void theProxysCertificateIsNotThatOfAClientWhichItNames() {
        var port = Ports.free();
        try (var _ = Gateway.shared()
                .startAnother(_ -> {}, options(port, trustStore(), "-Dsluice.proxy.forwarded=x-forwarded-for"))) {
            assertThat(status(port, "X-Forwarded-For: 203.0.113.7")).isEqualTo(403);
            assertThat(status(port)).as("the proxy itself").isEqualTo(101);
        }
    }

    @Test
    void withoutATrustStoreNoCertificateIsAskedFor() {
        var settings = Gateway.shared().settingsOfAnother(options(Ports.free()));
        try (var wrong = GatewayProcess.start(settings)) {
            assertThatThrownBy(wrong::awaitReady).hasMessageContaining("ended while it was starting");
            assertThat(settings.data().resolve("gateway.log"))
                    .content()
                    .contains("sluice.tls.client-certificate: needs");
        }
    }
}
