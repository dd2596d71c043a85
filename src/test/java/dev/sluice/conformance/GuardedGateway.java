package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.CertificateAuthority.Certified;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.support.Gateway;
import dev.sluice.support.Tls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A gateway with everything on that guards it: certificates, passwords, SCRAM, rules, trusted proxies; on a database of its own. Any thread
 * may use it.
 */
final class GuardedGateway implements AutoCloseable {
    private static final String USERS = """
            username,password,scheme,groups,client_id_pattern
            ann,secret-of-ann,,,
            bob,secret-of-bob,,,
            honest,secret-of-honest,,honest,
            sam,pencil,scram-sha-256,,
            sue,pencil,scram-sha-512,,
            +,secret,,,
            #,secret,,,
            a/b,secret,,,
            *,secret,,,{username}
            truck,secret,,,{username}-*
            """;
    private static final String RULES = """
            rules:
              own: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/{clientId}/#"}
              named: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/by/{username}/#"}
              shout: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/all/#"}
              slow: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/slow", qos: 0}
              plain: {subject: all, effect: allow, actions: publish, filter: "talk/plain", retain: false}
              secret: {subject: all, effect: deny, actions: receive, filter: "talk/all/secret/#", priority: 10}
              closed: {subject: all, effect: deny, actions: subscribe, filter: "talk/all/closed/#", priority: 10}
              honest: {subject: "group:honest", effect: allow, actions: publish, filter: "talk/honest"}
            """;

    private final CertificateAuthority servers = CertificateAuthority.named("authority of servers");
    private final CertificateAuthority devices = CertificateAuthority.named("authority of devices");
    private final List<X509Certificate> revoked = new ArrayList<>();
    private final Certified stolen = devices.client("CN=stolen,OU=fleet");
    private final Path folder;
    private final int tlsPort = Ports.free();
    private final GatewayProcess process;
    private int port;

    GuardedGateway(Path folder) {
        this.folder = folder;
        servers.server().write(folder, "server");
        CertificateAuthority.replace(folder.resolve("devices.crt"), CertificateAuthority.pemOf(devices.certificate()));
        revoke(stolen);
        try {
            Files.writeString(folder.resolve("rules.yaml"), RULES);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        process = Gateway.shared().startAnother(used -> port = used, options());
        assertThat(admin().csv("/admin/credentials", USERS).status()).isEqualTo(200);
    }

    private String[] options() {
        return Stream.concat(
                        Stream.of(Gateway.shared().databaseOfItsOwn()),
                        Stream.of(
                                        "quarkus.http.ssl-port=" + tlsPort,
                                        "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                                        "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                                        "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve("devices.crt"),
                                        "sluice.tls.client-certificate=request",
                                        "sluice.tls.revocation-lists=" + folder.resolve("devices.crl"),
                                        "sluice.tls.revocation-reload=500ms",
                                        "sluice.proxy.trusted=127.0.0.8/30",
                                        "sluice.proxy.forwarded=x-forwarded-for",
                                        "sluice.proxy.certificate-header=X-SSL-Cert",
                                        "sluice.access.methods=certificate,password,scram",
                                        "sluice.access.password.argon2-memory-kib=1024",
                                        "sluice.access.password.free-failures=2",
                                        "sluice.access.password.delay=500ms",
                                        "sluice.access.authorization=rules",
                                        "sluice.access.rules-file=" + folder.resolve("rules.yaml"),
                                        "sluice.mqtt.connect-timeout=3s")
                                .map(option -> "-D" + option))
                .toArray(String[]::new);
    }

    int port() {
        return port;
    }

    int tlsPort() {
        return tlsPort;
    }

    Admin admin() {
        return new Admin(port);
    }

    Tls tls(Certified own) {
        return Tls.trusting(servers.certificate()).with(own);
    }

    /** A certificate of a device with this common name; {@code kind} says what is wrong with it. */
    Certified certificate(String kind, String name) {
        return switch (kind) {
            case "device" -> devices.client("CN=" + name + ",OU=fleet");
            case "stranger" ->
                CertificateAuthority.named("authority of devices").client("CN=" + name + ",OU=fleet");
            case "expired" -> devices.leaf("CN=" + name, Duration.ofHours(-1));
            case "two-names" -> devices.client("CN=ann,CN=" + name);
            case "nameless" -> devices.client("OU=fleet");
            case "stolen" -> stolen;
            case "none" -> null;
            default -> throw new IllegalArgumentException("no such certificate: " + kind);
        };
    }

    synchronized void revoke(Certified certificate) {
        revoked.add(certificate.certificate());
        CertificateAuthority.replace(folder.resolve("devices.crl"), devices.revoking(revoked));
    }

    @Override
    public void close() {
        process.close();
    }
}
