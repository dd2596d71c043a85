package dev.sluice.conformance;

import static dev.sluice.conformance.CredentialIT.port;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** User names and secrets, by the bytes on the wire and by REST. */
abstract class CredentialCases {
    private static final String CREDENTIALS = "/admin/credentials";
    /** So many, in their part of the minute. */
    private static final int IMPORTED = Integer.getInteger("credentials.imported", 20_000);

    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private final Admin admin = CredentialIT.admin();

    @BeforeEach
    void empty() {
        for (var credential : admin.get(CREDENTIALS + "?limit=1000").body().path("credentials"))
            admin.delete(CREDENTIALS + "/" + credential.path("username").asText());
    }

    private static WireClient connect(int port, ProtocolVersion version, String username, String password) {
        var client = WireClient.open(port, version);
        return client.connect(new Packet.Connect(
                version,
                true,
                60,
                Device.id("device"),
                null,
                username,
                password == null ? null : password.getBytes(UTF_8),
                Properties.NONE));
    }

    private static int code(int port, ProtocolVersion version, String username, String password) {
        try (var client = connect(port, version, username, password)) {
            return client.receiveBytes()[3] & 0xFF;
        }
    }

    private String create(String json) {
        var made = admin.post(CREDENTIALS, json);
        assertThat(made.status()).as(made.body().toString()).isEqualTo(201);
        return made.body().path("token").asText(null);
    }

    @ParameterizedTest
    @EnumSource
    void aPasswordLetsInAndAWrongOneDoesNot(ProtocolVersion version) {
        create("{'username': 'ann', 'password': 'secret'}");
        var token = create("{'username': 'truck-7'}");
        assertThat(code(port(1), version, "ann", "secret")).isZero();
        assertThat(code(port(1), version, "truck-7", token)).isZero();
        var refused = version.isV5() ? ReasonCode.BAD_USER_NAME_OR_PASSWORD.value() : 4;
        assertThat(code(port(1), version, "ann", "wrong")).isEqualTo(refused);
        assertThat(code(port(1), version, "nobody", "secret")).isEqualTo(refused);
        if (version.isV5()) assertThat(code(port(1), version, null, null)).isEqualTo(ReasonCode.NOT_AUTHORIZED.value());
    }

    @ParameterizedTest
    @ValueSource(strings = {"revoke", "delete", "disable", "expire", "not-yet"})
    void whatIsWithdrawnEndsItsConnectionsOnEveryGatewayWithinASecond(String how) {
        create("{'username': 'ann', 'password': 'secret'}");
        create("{'username': 'bob', 'password': 'secret'}");
        try (var here = connect(port(0), V5, "ann", "secret");
                var there = connect(port(1), V5, "ann", "secret");
                var other = connect(port(1), V5, "bob", "secret")) {
            for (var client : List.of(here, there, other))
                assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            var watch = Stopwatch.start();
            withdraw(how);
            for (var client : List.of(here, there)) Device.assertEnded(client, V5, ReasonCode.NOT_AUTHORIZED);
            System.out.println(how + ": connections on two gateways ended after " + watch.elapsed());
            watch.assertLessThan(Duration.ofSeconds(1));
            assertThat(other.sendPackets(new Packet.PingReq()).receive()).isInstanceOf(Packet.PingResp.class);
        }
        for (int port : CredentialIT.gateways.ports())
            assertThat(code(port, V5, "ann", "secret")).isEqualTo(ReasonCode.BAD_USER_NAME_OR_PASSWORD.value());
    }

    private void withdraw(String how) {
        var ann = CREDENTIALS + "/ann";
        var answer =
                switch (how) {
                    case "revoke" -> admin.post(ann + "/revoke", "{}");
                    case "delete" -> admin.delete(ann);
                    case "disable" -> admin.put(ann, "{'disabled': true}");
                    case "expire" ->
                        admin.put(ann, "{'validUntil': '" + Instant.now().minusSeconds(1) + "'}");
                    default -> admin.put(ann, "{'validFrom': '2099-01-01T00:00:00Z'}");
                };
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
    }

    @Test
    void aCredentialThatExpiresEndsItsConnection() {
        create("{'username': 'ann', 'password': 'secret', 'validUntil': '"
                + Instant.now().plusSeconds(3) + "'}");
        try (var client = connect(port(1), V5, "ann", "secret")) {
            assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            Device.assertEnded(client, V5, ReasonCode.NOT_AUTHORIZED);
        }
    }

    @Test
    void aNewSecretLeavesConnectionsAloneAndOtherGroupsEndThem() {
        create("{'username': 'ann', 'password': 'secret'}");
        try (var client = connect(port(1), V5, "ann", "secret")) {
            assertThat(client.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            var token = admin.post(CREDENTIALS + "/ann/rotate", "{}")
                    .body()
                    .path("token")
                    .asText();
            await().until(() -> code(port(1), V5, "ann", "secret") == ReasonCode.BAD_USER_NAME_OR_PASSWORD.value());
            assertThat(code(port(1), V5, "ann", token)).isZero();
            assertThat(client.sendPackets(new Packet.PingReq()).receive()).isInstanceOf(Packet.PingResp.class);
            assertThat(admin.put(CREDENTIALS + "/ann", "{'groups': ['x']}").status())
                    .isEqualTo(200);
            Device.assertEnded(client, V5, ReasonCode.ADMINISTRATIVE_ACTION);
        }
    }

    @Test
    void aCredentialSaysHowMuchItsClientsMayTake() {
        create("{'username': 'ann', 'password': 'secret', 'limits': {'subscriptions': 1, 'identity.connections': 2}}");
        assertThat(admin.get(CREDENTIALS + "/ann").body().path("limits").toString())
                .isEqualTo("{\"identity.connections\":2,\"subscriptions\":1}");
        try (var client = connect(port(1), V5, "ann", "secret");
                var other = connect(port(1), V5, "ann", "secret")) {
            for (var each : List.of(client, other))
                assertThat(each.receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            var two = List.of(Peer.to("a", QoS.AT_MOST_ONCE), Peer.to("b", QoS.AT_MOST_ONCE));
            assertThat(client.sendPackets(new Packet.Subscribe(1, two, Properties.NONE))
                            .receive(Packet.SubAck.class)
                            .reasons())
                    .containsExactly(ReasonCode.SUCCESS, ReasonCode.QUOTA_EXCEEDED);
            assertThat(code(port(1), V5, "ann", "secret")).isEqualTo(ReasonCode.QUOTA_EXCEEDED.value());
            assertThat(admin.put(CREDENTIALS + "/ann", "{'limits': {'subscriptions': 2}}")
                            .status())
                    .isEqualTo(200);
            Device.assertEnded(client, V5, ReasonCode.ADMINISTRATIVE_ACTION);
        }
        assertThat(admin.put(
                                CREDENTIALS + "/ann",
                                "{'limits': {'messages-in': 0, 'connections': 1, 'bytes-in': '5', 'in-flight': 1.5}}")
                        .pointers())
                .isEqualTo("/limits/messages-in /limits/connections /limits/bytes-in /limits/in-flight");
    }

    @Test
    void aUserHasItsNumberOfRetainedMessages() {
        create("{'username': 'ann', 'password': 'secret', 'limits': {'identity.retained': 2}}");
        var topic = "talk/" + Device.id("retained") + "/";
        try (var client = connect(port(1), V5, "ann", "secret")) {
            client.receive(Packet.ConnAck.class);
            for (var number : List.of("1", "2", "1"))
                assertThat(retained(client, topic + number, "x")).isNotEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(retained(client, topic + "3", "x")).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            assertThat(retained(client, topic + "2", "")).isNotEqualTo(ReasonCode.QUOTA_EXCEEDED);
            await().until(() -> retained(client, topic + "3", "x") != ReasonCode.QUOTA_EXCEEDED);
        }
        create("{'username': 'bob', 'password': 'secret', 'limits': {'identity.retained': 1}}");
        try (var client = connect(port(0), V5, "bob", "secret")) {
            client.receive(Packet.ConnAck.class);
            assertThat(retained(client, topic + "4", "x")).isNotEqualTo(ReasonCode.QUOTA_EXCEEDED);
        }
        // As a will: of the other gateway, which has not heard of the topic that has one.
        assertThat(connectWithWill(topic + "5")).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
        assertThat(connectWithWill(topic + "4")).isEqualTo(ReasonCode.SUCCESS);
    }

    private static ReasonCode connectWithWill(String topic) {
        var will = new Will(TopicName.of(topic), QoS.AT_LEAST_ONCE, true, Properties.NONE, "gone".getBytes(UTF_8));
        try (var client = WireClient.open(port(1), V5)) {
            var connect = new Packet.Connect(
                    V5, true, 60, Device.id("device"), will, "bob", "secret".getBytes(UTF_8), Properties.NONE);
            return client.connect(connect).receive(Packet.ConnAck.class).reason();
        }
    }

    private static ReasonCode retained(WireClient client, String topic, String payload) {
        var publish = new Packet.Publish(
                false, QoS.AT_LEAST_ONCE, true, TopicName.of(topic), 1, Properties.NONE, payload.getBytes(UTF_8));
        return client.sendPackets(publish).receive(Packet.PubAck.class).reason();
    }

    @Test
    void requestsThatAreWrongChangeNothing() {
        create("{'username': 'ann', 'password': 'secret', 'groups': ['a', 'b'], 'clientIdPattern': '{username}-*'}");
        var ann = admin.get(CREDENTIALS + "/ann");
        assertThat(ann.body().path("groups").toString()).isEqualTo("[\"a\",\"b\"]");
        assertThat(ann.body().path("state").asText()).isEqualTo("usable");
        assertThat(ann.body().toString()).doesNotContain("$argon2id$").doesNotContain("secret\"");
        assertThat(ann.body().path("updatedBy").asText()).isEqualTo("ann");

        assertThat(admin.post(CREDENTIALS, "{'username': 'ann'}").status()).isEqualTo(409);
        assertThat(admin.put(CREDENTIALS + "/ann", "{}", "If-Match", "\"1\"").status())
                .isEqualTo(412);
        assertThat(admin.put(CREDENTIALS + "/nobody", "{}").status()).isEqualTo(404);
        assertThat(admin.get(CREDENTIALS + "/nobody").status()).isEqualTo(404);
        assertThat(admin.get(CREDENTIALS + "/%00").status()).isEqualTo(404);
        assertThat(admin.get(CREDENTIALS + "?prefix=%00").status()).isEqualTo(400);
        assertThat(admin.get(CREDENTIALS + "?limit=0").status()).isEqualTo(400);
        var wrong = admin.post(
                CREDENTIALS,
                "{'username': '', 'hash': 'plain', 'groups': ['a b'], 'clientIdPattern': '{user}', 'validFrom':"
                        + " 'now'}");
        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.pointers()).isEqualTo("/username /clientIdPattern /groups/0 /validFrom /hash");
        assertThat(admin.post(CREDENTIALS, "{'username': 'x', 'passwort': 'y'}").pointers())
                .isEqualTo("/passwort");
        assertThat(admin.post(CREDENTIALS, "{'username': 'x', 'password': 'y', 'scheme': 'md5'}")
                        .pointers())
                .isEqualTo("/scheme");
        assertThat(admin.get(CREDENTIALS + "/ann").tag()).isEqualTo(ann.tag());

        assertThat(admin.put(CREDENTIALS + "/ann", "{}", "If-Match", ann.tag()).status())
                .isEqualTo(200);
        var audit =
                admin.get("/admin/audit?object=credential/ann&limit=2").body().path("changes");
        assertThat(audit.findValuesAsText("action")).containsExactly("change", "create");
        assertThat(audit.findValuesAsText("actor")).containsOnly("ann");
        assertThat(audit.toString()).doesNotContain("argon2id$");
    }

    @Test
    void anImportOfCsvIsAllOrNothing() {
        var wrong = csv("username,hash,groups\nx,plain,\ny,,a b\ny,,\n", "");
        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.pointers()).isEqualTo("/2/hash /4/username");
        assertThat(csv("user\nx\n", "").pointers()).contains("/2/user");
        assertThat(admin.get(CREDENTIALS).body().path("credentials").size()).isZero();

        var right =
                "username,password,groups,limits,client_id_pattern\nx,\"a,b\"\"c\",\"g,h\",subscriptions=3 messages-in=5,\ny,,,,*\n";
        var imported = csv(right, "");
        assertThat(imported.body().path("imported").asInt()).isEqualTo(2);
        assertThat(code(port(1), V5, "x", "a,b\"c")).isZero();
        var token = imported.body().path("tokens").path(0);
        assertThat(code(
                        port(1),
                        V5,
                        token.path("username").asText(),
                        token.path("token").asText()))
                .isZero();
        assertThat(csv(right, "").status()).isEqualTo(409);
        assertThat(csv(right, "?existing=skip").body().path("skipped").asInt()).isEqualTo(2);
        assertThat(csv(right, "?existing=replace").body().path("imported").asInt())
                .isEqualTo(2);
    }

    private Admin.Answer csv(String text, String query) {
        return admin.csv(CREDENTIALS + query, text);
    }

    /** As machine tokens, which the gateway makes, and with the answer that has them. */
    @Test
    void aHundredThousandAreImportedInAMinute() {
        var lines = new StringBuilder("username,groups\n");
        IntStream.range(0, IMPORTED)
                .forEach(i -> lines.append("device-").append(i).append(",fleet\n"));
        var watch = Stopwatch.start();
        var answer = csv(lines.toString(), "");
        watch.assertLessThan(Duration.ofMinutes(1).multipliedBy(IMPORTED).dividedBy(100_000));
        System.out.println(IMPORTED + " credentials imported by REST in " + watch.elapsed());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().path("imported").asInt()).isEqualTo(IMPORTED);
        var last = answer.body().path("tokens").path(IMPORTED - 1);
        assertThat(code(
                        port(1),
                        V5,
                        last.path("username").asText(),
                        last.path("token").asText()))
                .isZero();
    }
}
