package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code ./sluice run --secure} adds to {@code run}: a made-up certificate authority, which stays in the data folder, and certificates
 * of the gateway and of a device, made anew at each start. Immutable.
 *
 * @param settings with the gateway's options for all that
 */
record SecureRun(Settings settings, Path folder, int port) {
    private static final String AUTHORITY = "ca";
    private static final String SERVER = "server";
    private static final String DEVICE = "truck-1";

    /** Writes the files; another start may have written them before. */
    static SecureRun prepare(Settings settings) {
        var port = Settings.port(System.getenv(), Settings.TLS_PORT, 8443);
        Settings.requireFree(port, "the gateway over TLS", Settings.TLS_PORT);
        var folder = settings.data().resolve("secure");
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new Complaint("cannot make " + folder + ": " + e, e);
        }
        var authority = CertificateAuthority.kept(folder, AUTHORITY);
        authority.server().write(folder, SERVER);
        authority.client("CN=" + DEVICE + ",OU=trucks").write(folder, DEVICE);
        return new SecureRun(settings.withOptions(options(folder, port)), folder, port);
    }

    private static List<String> options(Path folder, int port) {
        return Stream.of(
                        "quarkus.http.ssl-port=" + port,
                        "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve(SERVER + ".crt"),
                        "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve(SERVER + ".key"),
                        "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve(AUTHORITY + ".crt"),
                        "sluice.tls.client-certificate=request",
                        "sluice.access.methods=certificate")
                .map(option -> "-D" + option)
                .toList();
    }

    /** For a terminal. */
    String howToConnect() {
        return """

                mqtt over TLS  wss://127.0.0.1:%1$d/mqtt
                authority      %2$s/ca.crt
                certificate    %2$s/truck-1.crt, with %2$s/truck-1.key

                After npm install mqtt@5, this connects with the certificate:

                  node -e '
                  const fs = require("fs"), mqtt = require("mqtt"), file = name => fs.readFileSync("%2$s/" + name)
                  const client = mqtt.connect("wss://127.0.0.1:%1$d/mqtt", { clientId: "truck-1",
                    ca: file("ca.crt"), cert: file("truck-1.crt"), key: file("truck-1.key") })
                  client.on("connect", () => client.publish("fleet/truck-1/telemetry", "over TLS", { qos: 1 },
                    error => { console.log(error ?? "acknowledged"); client.end() }))'
                """.formatted(port, folder);
    }
}
