package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5DisconnectException;
import com.hivemq.client.mqtt.mqtt5.message.disconnect.Mqtt5DisconnectReasonCode;
import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.support.Gateway;
import dev.sluice.support.Programs;
import dev.sluice.support.SideBySide;
import dev.sluice.support.Tls;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Client libraries over wss; one of them shows a certificate of its own. Pages have a gateway that does not ask for one. */
class SecureClientsIT {
    private static final CertificateAuthority SERVERS = CertificateAuthority.named("authority of servers");
    private static final CertificateAuthority DEVICES = CertificateAuthority.named("authority of devices");

    @TempDir
    static Path folder;

    private static GatewayProcess asking;
    private static GatewayProcess ofPages;
    private static int port;
    private static int portOfPages;

    @BeforeAll
    static void start() {
        SERVERS.server().write(folder, "server");
        write("servers.crt", CertificateAuthority.pemOf(SERVERS.certificate()));
        write("devices.crt", CertificateAuthority.pemOf(DEVICES.certificate()));
        write("devices.crl", DEVICES.revoking(List.of()));
        port = Ports.free();
        portOfPages = Ports.free();
        asking = start(
                port,
                "quarkus.tls.mqtt.trust-store.pem.certs=" + folder.resolve("devices.crt"),
                "sluice.tls.client-certificate=request",
                "sluice.tls.reload-interval=1s",
                "sluice.tls.revocation-lists=" + folder.resolve("devices.crl"),
                "sluice.tls.revocation-reload=500ms",
                "sluice.access.methods=certificate,anonymous");
        ofPages = start(portOfPages, "sluice.access.methods=anonymous");
    }

    private static GatewayProcess start(int port, String... more) {
        return Gateway.shared()
                .startAnother(
                        _ -> {},
                        Stream.concat(
                                        Stream.of(
                                                "quarkus.http.ssl-port=" + port,
                                                "quarkus.tls.mqtt.key-store.pem.0.cert=" + folder.resolve("server.crt"),
                                                "quarkus.tls.mqtt.key-store.pem.0.key=" + folder.resolve("server.key"),
                                                "sluice.mqtt.connect-timeout=20s"),
                                        Stream.of(more))
                                .map(option -> "-D" + option)
                                .toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        asking.close();
        ofPages.close();
    }

    private static void write(String file, String text) {
        CertificateAuthority.replace(folder.resolve(file), text);
    }

    private static String id(String language) {
        return language + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void mqttJsInNode(String version) {
        var authority = folder.resolve("servers.crt").toString();
        Programs.node("node.mjs", "wss://localhost:" + port + "/mqtt", id("node"), version, authority);
    }

    /** Only its user may tell Chromium whom to trust, and which certificate to show; without that, it closes a WebSocket that is asked for one. */
    @ResourceLock(Browser.ONE)
    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void mqttJsInChromium(String version) throws Exception {
        try (var browser = Browser.serving(Programs.mqttJs())) {
            browser.pass(
                    "page.html?url=wss://127.0.0.1:" + portOfPages + "/mqtt&id=" + id("page") + "&version=" + version,
                    "--ignore-certificate-errors");
        }
    }

    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void pahoPython(String version) {
        var authority = folder.resolve("servers.crt").toString();
        Programs.python("src/test/python/scenario.py", Integer.toString(port), id("python"), version, authority);
    }

    @SideBySide
    @Test
    void hiveMqStaysWhileTheServersCertificateIsExchangedAndGoesOnceItsOwnIsRevoked() throws Exception {
        var own = DEVICES.client("CN=truck-7,OU=fleet");
        var ended = new CompletableFuture<Throwable>();
        var client = hiveMq(Tls.trusting(SERVERS.certificate()).with(own), ended);
        ForeignClient.await(client.connectWith().cleanStart(true).send());
        publish(client);
        var next = SERVERS.server().write(folder, "server").certificate();
        var clients = Tls.trusting(SERVERS.certificate());
        await().until(() -> clients.serverCertificate(port).equals(next));
        publish(client);
        assertThat(ended).isNotDone();

        write("devices.crl", DEVICES.revoking(List.of(own.certificate())));

        assertThat(ended.get(30, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(Mqtt5DisconnectException.class, told -> assertThat(
                                told.getMqttMessage().getReasonCode())
                        .isEqualTo(Mqtt5DisconnectReasonCode.NOT_AUTHORIZED));
        var again = hiveMq(Tls.trusting(SERVERS.certificate()).with(own), new CompletableFuture<>());
        assertThatThrownBy(() -> ForeignClient.await(again.connectWith().send()))
                .as("the handshake of a certificate that is revoked")
                .isNotNull();
    }

    private static Mqtt5AsyncClient hiveMq(Tls tls, CompletableFuture<Throwable> ended) {
        return MqttClient.builder()
                .useMqttVersion5()
                .identifier(id("truck"))
                .serverHost("127.0.0.1")
                .serverPort(port)
                .webSocketConfig()
                .serverPath("mqtt")
                .applyWebSocketConfig()
                .sslConfig()
                .keyManagerFactory(tls.shown())
                .trustManagerFactory(tls.trusted())
                .applySslConfig()
                .addDisconnectedListener(it -> ended.complete(it.getCause()))
                .buildAsync();
    }

    private static void publish(Mqtt5AsyncClient client) {
        var answer = ForeignClient.await(client.publishWith()
                .topic("talk/secure")
                .payload(new byte[100])
                .qos(MqttQos.AT_LEAST_ONCE)
                .send());
        assertThat(answer.getError()).isEmpty();
    }
}
