package dev.sluice.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.ongres.scram.client.ScramClient;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SCRAM by AUTH, by the bytes on the wire. */
abstract class ScramCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final Admin admin = CredentialIT.admin();
    private final int port = CredentialIT.port(0);

    @BeforeEach
    void empty() {
        admin.delete("/admin/credentials/ann");
    }

    private void create(String scheme) {
        var made = admin.post(
                "/admin/credentials", "{'username': 'ann', 'password': 'pencil', 'scheme': '" + scheme + "'}");
        assertThat(made.status()).as(made.body().toString()).isEqualTo(201);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SCRAM-SHA-256", "SCRAM-SHA-512"})
    @Spec({"MQTT-3.15.2-1", "MQTT-4.12.0-2", "MQTT-4.12.0-5", "MQTT-4.12.1-2"})
    void scramLetsInAndProvesAnewWhileConnected(String mechanism) throws Exception {
        create(mechanism.toLowerCase(Locale.ROOT));
        try (var client = WireClient.open(port, V5)) {
            var first = scram(mechanism, "pencil");
            client.connect(Device.connect(
                    V5,
                    Device.id("scram"),
                    true,
                    properties(mechanism, first.clientFirstMessage().toString())));
            answer(client, first, mechanism);
            var connAck = client.receive(Packet.ConnAck.class);
            assertThat(connAck.reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(connAck.properties().text(Property.AUTHENTICATION_METHOD))
                    .isEqualTo(mechanism);
            first.serverFinalMessage(data(connAck.properties()));

            var again = scram(mechanism, "pencil");
            client.sendPackets(new Packet.Auth(
                    ReasonCode.RE_AUTHENTICATE,
                    properties(mechanism, again.clientFirstMessage().toString())));
            answer(client, again, mechanism);
            var auth = client.receive(Packet.Auth.class);
            assertThat(auth.reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(auth.properties().text(Property.AUTHENTICATION_METHOD)).isEqualTo(mechanism);
            again.serverFinalMessage(data(auth.properties()));

            var wrong = scram(mechanism, "wrong");
            client.sendPackets(new Packet.Auth(
                    ReasonCode.RE_AUTHENTICATE,
                    properties(mechanism, wrong.clientFirstMessage().toString())));
            answer(client, wrong, mechanism);
            Device.assertEnded(client, V5, ReasonCode.NOT_AUTHORIZED);
        }
    }

    /** By CONNACK, at each point of the exchange. */
    @Test
    @Spec("MQTT-4.12.0-4")
    void whoDoesNotProveItIsRefusedAndDisconnected() throws Exception {
        create("scram-sha-256");
        try (var client = WireClient.open(port, V5)) {
            var wrong = scram("SCRAM-SHA-256", "wrong");
            client.connect(Device.connect(
                    V5,
                    Device.id("scram"),
                    true,
                    properties("SCRAM-SHA-256", wrong.clientFirstMessage().toString())));
            answer(client, wrong, "SCRAM-SHA-256");
            assertRefused(client, ReasonCode.BAD_USER_NAME_OR_PASSWORD);
        }
        try (var client = WireClient.open(port, V5)) {
            client.connect(Device.connect(V5, Device.id("scram"), true, properties("SCRAM-SHA-256", "nonsense")));
            assertRefused(client, ReasonCode.PROTOCOL_ERROR);
        }
    }

    private static void assertRefused(WireClient client, ReasonCode reason) {
        assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(reason);
        assertThat(client.closeStatus()).isNotEqualTo(WireClient.CUT);
    }

    private static ScramClient scram(String mechanism, String password) {
        return ScramClient.builder()
                .advertisedMechanisms(List.of(mechanism))
                .username("ann")
                .password(password.toCharArray())
                .build();
    }

    private static void answer(WireClient client, ScramClient scram, String mechanism) throws Exception {
        var challenge = client.receive(Packet.Auth.class);
        assertThat(challenge.reason()).isEqualTo(ReasonCode.CONTINUE_AUTHENTICATION);
        assertThat(challenge.properties().text(Property.AUTHENTICATION_METHOD)).isEqualTo(mechanism);
        scram.serverFirstMessage(data(challenge.properties()));
        client.sendPackets(new Packet.Auth(
                ReasonCode.CONTINUE_AUTHENTICATION,
                properties(mechanism, scram.clientFinalMessage().toString())));
    }

    private static String data(Properties properties) {
        return new String(properties.binary(Property.AUTHENTICATION_DATA), UTF_8);
    }

    private static Properties properties(String mechanism, String data) {
        return Properties.NONE
                .with(Property.AUTHENTICATION_METHOD, mechanism)
                .with(Property.AUTHENTICATION_DATA, data.getBytes(UTF_8));
    }
}
