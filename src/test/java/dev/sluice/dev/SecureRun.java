package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code ./sluice run --secure} adds to {@code run}: a made-up certificate authority, two users with passwords, and rules, which all stay
 * in the data folder; and certificates of the gateway and of a device, made anew at each start. Immutable.
 *
 * @param settings with the gateway's options for all that
 */
record SecureRun(Settings settings, Path folder, int port, SecureUsers users) {
    private static final String AUTHORITY = "ca";
    private static final String SERVER = "server";
    private static final String DEVICE = "truck-1";
    private static final String RULES = """
            # Highest priority first, deny before allow, and what no rule names is denied: docs/security.md says more.
            # The gateway reads this file twice a second.
            rules:
              own-topics:
                subject: group:trucks
                effect: allow
                actions: [publish, subscribe]
                filter: fleet/{username}/#
              dispatch:
                subject: group:dispatchers
                effect: allow
                actions: [publish, subscribe]
                filter: fleet/#
            """;

    /** Writes the files; another start may have written them before. */
    static SecureRun prepare(Settings settings) {
        var port = Settings.port(System.getenv(), Settings.TLS_PORT, 8443);
        Settings.requireFree(port, "the gateway over TLS", Settings.TLS_PORT);
        var folder = settings.data().resolve("secure");
        try {
            Files.createDirectories(folder);
            if (!Files.exists(folder.resolve("rules.yaml"))) Files.writeString(folder.resolve("rules.yaml"), RULES);
            var users = SecureUsers.kept(folder.resolve("users.csv"));
            var authority = CertificateAuthority.kept(folder, AUTHORITY);
            authority.server().write(folder, SERVER);
            authority.client("CN=" + DEVICE + ",OU=trucks").write(folder, DEVICE);
            return new SecureRun(settings.withOptions(options(folder, port)), folder, port, users);
        } catch (IOException e) {
            throw new Complaint("cannot write to " + folder + ": " + e, e);
        }
    }

    private static List<String> options(Path folder, int port) {
        return Stream.of(
                        "quarkus.http.ssl-port=" + port,
                        "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve(SERVER + ".crt"),
                        "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve(SERVER + ".key"),
                        "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve(AUTHORITY + ".crt"),
                        "sluice.tls.client-certificate=request",
                        "sluice.access.methods=certificate,password",
                        "sluice.access.certificate.groups=ou",
                        "sluice.access.authorization=rules",
                        "sluice.access.rules-file=" + folder.resolve("rules.yaml"))
                .map(option -> "-D" + option)
                .toList();
    }

    /** Starts everything; answers what to say when a device can connect. */
    String start(Running running) {
        var ready = running.startAll();
        users.give(settings.port());
        return ready + "\n" + howToConnect();
    }

    private String howToConnect() {
        return """

                mqtt over TLS  wss://127.0.0.1:%1$d/mqtt
                authority      %2$s/ca.crt
                certificate    %2$s/truck-1.crt, with %2$s/truck-1.key: truck-1, of the group trucks
                users          %3$s
                rules          %2$s/rules.yaml: trucks have fleet/<their name>/#, dispatchers have fleet/#

                After npm install mqtt@5, this connects with the certificate, as truck-1:

                  node -e '
                  const fs = require("fs"), mqtt = require("mqtt"), file = name => fs.readFileSync("%2$s/" + name)
                  const client = mqtt.connect("wss://127.0.0.1:%1$d/mqtt", { clientId: "truck-1",
                    ca: file("ca.crt"), cert: file("truck-1.crt"), key: file("truck-1.key") })
                  client.on("connect", () => client.publish("fleet/truck-1/telemetry", "over TLS", { qos: 1 },
                    error => { console.log(error ?? "acknowledged"); client.end() }))'

                and this with a password, as ann:

                  node -e '
                  const fs = require("fs"), mqtt = require("mqtt")
                  const client = mqtt.connect("wss://127.0.0.1:%1$d/mqtt", { clientId: "desk-1", protocolVersion: 5,
                    ca: fs.readFileSync("%2$s/ca.crt"), username: "ann", password: "%4$s" })
                  client.on("connect", () => client.subscribe("fleet/#", { qos: 1 },
                    error => console.log(error ?? "subscribed; Ctrl-C ends this")))
                  client.on("message", (topic, payload) => console.log(topic, `${payload}`))'
                """.formatted(port, folder, users.lines().replace("\n", "\n               "), users.password("ann"));
    }
}
