package dev.sluice.conformance;

import static dev.sluice.conformance.TokenIT.ISSUER;
import static dev.sluice.conformance.TokenIT.port;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jwt.PlainJWT;
import dev.sluice.access.token.TestIssuer;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Gateway;
import dev.sluice.support.SideBySide;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that bring tokens: where they may bring them, what becomes of bad ones, when they expire and how they are renewed. Most of it
 * waits for tokens to expire, side by side.
 */
abstract class TokenCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String METHOD = "sluice-token";
    private static final String TOPIC = "$SYS/auth";
    /** Seconds that a token lives which is to expire. */
    private static final int SHORT = 6;

    private static Packet.Connect connect(ProtocolVersion version, String clientId, String password) {
        var bytes = password == null ? null : password.getBytes(UTF_8);
        return new Packet.Connect(
                version, true, 60, clientId, null, password == null ? null : "x", bytes, Properties.NONE);
    }

    private static String token(String user, int seconds) {
        var expires = Date.from(Instant.now().plusSeconds(seconds));
        return ISSUER.sign(TestIssuer.claims(user).expirationTime(expires).build());
    }

    @ParameterizedTest
    @SideBySide
    @EnumSource
    void aTokenIsAPasswordOrComesWithTheUpgrade(ProtocolVersion version) {
        var user = Device.id("user");
        var token = ISSUER.token(user);
        try (var byPassword = WireClient.open(port, version);
                var byHeader = WireClient.open(port, version, "/mqtt", "Authorization: Bearer " + token);
                var byCookie = WireClient.open(port, version, "/mqtt", "Cookie: a=b; token=" + token);
                var byQuery = WireClient.open(port, version, "/mqtt?token=" + token)) {
            Device.connected(byPassword, connect(version, user + "-1", token));
            Device.connected(byHeader, connect(version, user + "-2", null));
            Device.connected(byCookie, connect(version, user + "-3", null));
            Device.connected(byQuery, connect(version, user + "-4", null));
            for (int i = 1; i <= 4; i++)
                assertThat(Gateway.shared().query("SELECT identity FROM session WHERE client_id = ?", user + "-" + i))
                        .isEqualTo(user);
        }
    }

    @ParameterizedTest
    @SideBySide
    @EnumSource
    void aBadOneIsRefusedWithACode(ProtocolVersion version) {
        var bad = version.isV5() ? ReasonCode.BAD_USER_NAME_OR_PASSWORD.value() : 4;
        var notHere = version.isV5() ? ReasonCode.NOT_AUTHORIZED.value() : 5;
        assertRefused(connect(version, "ann-1", token("ann", -1)), bad);
        assertRefused(
                connect(
                        version,
                        "ann-1",
                        TestIssuer.sign(
                                TestIssuer.key("first"),
                                "first",
                                TestIssuer.claims("ann").build())),
                bad);
        assertRefused(
                connect(
                        version,
                        "ann-1",
                        ISSUER.sign(TestIssuer.claims("ann").audience("other").build())),
                bad);
        assertRefused(
                connect(version, "ann-1", new PlainJWT(TestIssuer.claims("ann").build()).serialize() + "A"), bad);
        assertRefused(connect(version, "bob-1", ISSUER.token("ann")), notHere);
        assertRefused(connect(version, "ann-1", "no token"), notHere);
        assertRefused(connect(version, "ann-1", null), notHere);
    }

    private static void assertRefused(Packet.Connect connect, int code) {
        try (var client = WireClient.open(port, connect.version())) {
            var connAck = client.connect(connect).receiveBytes();
            assertThat(connAck[0]).isEqualTo((byte) 0x20);
            assertThat(connAck[3] & 0xFF).isEqualTo(code);
            client.closeStatus();
        }
    }

    @ParameterizedTest
    @SideBySide
    @EnumSource
    void theConnectionEndsWhenItExpires(ProtocolVersion version) {
        try (var client = WireClient.open(port, version)) {
            Device.connected(client, connect(version, Device.id("ann-expires"), token("ann", SHORT)));
            Device.assertEnded(client, version, ReasonCode.NOT_AUTHORIZED);
        }
    }

    private static Packet.Auth auth(ReasonCode reason, String token) {
        return new Packet.Auth(reason, properties(token));
    }

    private static Properties properties(String token) {
        return Properties.NONE
                .with(Property.AUTHENTICATION_METHOD, METHOD)
                .with(Property.AUTHENTICATION_DATA, token.getBytes(UTF_8));
    }

    @Test
    @SideBySide
    void authRenewsIt() {
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, Device.connect(V5, Device.id("ann-auth"), true, properties(token("ann", SHORT))));
            var expires = System.nanoTime() + Duration.ofSeconds(SHORT + 2).toNanos();
            client.sendPackets(auth(ReasonCode.RE_AUTHENTICATE, ISSUER.token("ann")));
            assertThat(client.receive(Packet.Auth.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertGoesOn(client, expires);
            client.sendPackets(auth(ReasonCode.RE_AUTHENTICATE, ISSUER.token("bob")));
            Device.assertEnded(client, V5, ReasonCode.NOT_AUTHORIZED);
        }
    }

    /** It answers until then, and afterwards. */
    private static void assertGoesOn(WireClient client, long until) {
        await().pollInterval(Duration.ofMillis(500)).until(() -> {
            assertThat(client.sendPackets(new Packet.PingReq()).receive()).isInstanceOf(Packet.PingResp.class);
            return System.nanoTime() - until >= 0;
        });
    }

    @ParameterizedTest
    @SideBySide
    @EnumSource
    void aTopicRenewsIt(ProtocolVersion version) {
        var clients = new ArrayList<WireClient>();
        try {
            for (var qos : QoS.values()) {
                var client = WireClient.open(port, version);
                clients.add(client);
                Device.connected(client, connect(version, Device.id("ann-" + qos.ordinal()), token("ann", SHORT)));
                subscribe(client);
                renew(client, qos);
            }
            var expires = System.nanoTime() + Duration.ofSeconds(SHORT + 2).toNanos();
            for (var client : clients) assertGoesOn(client, expires); // and nobody is sent the token
        } finally {
            clients.forEach(WireClient::close);
        }
    }

    private static void renew(WireClient client, QoS qos) {
        client.sendPackets(Device.publish(qos, qos == QoS.AT_MOST_ONCE ? 0 : 7, TOPIC, ISSUER.token("ann")));
        switch (qos) {
            case AT_MOST_ONCE -> {}
            case AT_LEAST_ONCE ->
                assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            case EXACTLY_ONCE -> {
                assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.SUCCESS);
                client.sendPackets(new Packet.PubRel(7));
                client.receive(Packet.PubComp.class);
            }
        }
    }

    private static void subscribe(WireClient client) {
        client.sendPackets(new Packet.Subscribe(
                1, List.of(new Subscription(TOPIC, QoS.AT_MOST_ONCE, false, false, 0)), Properties.NONE));
        client.receive(Packet.SubAck.class);
    }

    /** What is published before a renewal, and behind it without a wait, arrives once and in order. */
    @ParameterizedTest
    @SideBySide
    @ValueSource(booleans = {false, true})
    void aRenewalLeavesNoGap(boolean byTopic) {
        var count = 60;
        var topic = "talk/" + Device.id("renewed");
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, Device.connect(V5, Device.id("ann-gap"), true, properties(ISSUER.token("ann"))));
            client.sendPackets(new Packet.Subscribe(
                    1, List.of(new Subscription(topic, QoS.AT_MOST_ONCE, false, false, 0)), Properties.NONE));
            client.receive(Packet.SubAck.class);
            for (int i = 1; i <= count; i++) {
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, i, topic, "" + i));
                if (i != count / 2) continue;
                client.sendPackets(
                        byTopic
                                ? Device.publish(QoS.AT_LEAST_ONCE, count + i, TOPIC, ISSUER.token("ann"))
                                : auth(ReasonCode.RE_AUTHENTICATE, ISSUER.token("ann")));
            }
            var delivered = new ArrayList<String>();
            var acknowledged = new ArrayList<Integer>();
            var renewed = 0;
            while (delivered.size() + acknowledged.size() + renewed < 2 * count + 1) {
                switch (client.receive()) {
                    case Packet.Publish publish -> delivered.add(new String(publish.payload(), UTF_8));
                    case Packet.PubAck answer when answer.packetId() > count -> renewed += success(answer.reason());
                    case Packet.PubAck answer -> acknowledged.add(answer.packetId());
                    case Packet.Auth answer -> renewed += success(answer.reason());
                    case Packet other -> throw new AssertionError(other);
                }
            }
            var all = IntStream.rangeClosed(1, count).boxed().toList();
            assertThat(acknowledged).isEqualTo(all);
            assertThat(delivered).isEqualTo(all.stream().map(String::valueOf).toList());
        }
    }

    private static int success(ReasonCode reason) {
        assertThat(reason).isEqualTo(ReasonCode.SUCCESS);
        return 1;
    }

    /** From the next one on, what that says. */
    @Test
    @SideBySide
    void aTokenSaysHowMuchItsClientMayTake() {
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, connect(V5, Device.id("ann-limits"), withSubscriptions(1)));
            assertThat(subscribed(client, "a")).isEqualTo(ReasonCode.SUCCESS);
            assertThat(subscribed(client, "b")).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 7, TOPIC, withSubscriptions(2)));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(subscribed(client, "b")).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    private static String withSubscriptions(int most) {
        return ISSUER.sign(TestIssuer.claims("ann")
                .claim("limits", Map.of("subscriptions", most))
                .build());
    }

    /** It does not wait for the client's share with what was published before it; its answer does. */
    @ParameterizedTest
    @SideBySide
    @EnumSource
    void aTokenBehindPublishesThatAreHeldRenewsAtOnce(ProtocolVersion version) {
        var slow = Map.of("messages-in", 1);
        var claims = TestIssuer.claims("ann").claim("limits", slow);
        var expiring = claims.expirationTime(Date.from(Instant.now().plusSeconds(SHORT)))
                .build();
        var longer = TestIssuer.claims("ann").claim("limits", slow).build();
        try (var client = WireClient.open(port, version)) {
            Device.connected(client, connect(version, Device.id("ann-held"), ISSUER.sign(expiring)));
            var expires = System.nanoTime() + Duration.ofSeconds(SHORT + 2).toNanos();
            for (int i = 0; i < 2 * SHORT; i++)
                client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/held", "x"));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 7, TOPIC, ISSUER.sign(longer)));
            assertGoesOn(client, expires);
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    /** Its payload is checked on another thread, and it goes on from there. */
    @Test
    @SideBySide
    void aRetainedMessageIsCountedOnce() {
        var user = Device.id("user");
        var token = ISSUER.sign(TestIssuer.claims(user)
                .claim("limits", Map.of("identity.retained", 1))
                .build());
        var payload = "{\"mac\":\"" + "ab:".repeat(10_000) + "\"}";
        var publish = new Packet.Publish(
                false,
                QoS.AT_LEAST_ONCE,
                true,
                TopicName.of("checked/" + user),
                1,
                Properties.NONE.with(Property.MESSAGE_EXPIRY_INTERVAL, 1),
                payload.getBytes(UTF_8));
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, connect(V5, user + "-1", token));
            client.sendPackets(publish);
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
    }

    private static ReasonCode subscribed(WireClient client, String filter) {
        client.sendPackets(new Packet.Subscribe(
                1, List.of(new Subscription(filter, QoS.AT_MOST_ONCE, false, false, 0)), Properties.NONE));
        return client.receive(Packet.SubAck.class).reasons().getFirst();
    }

    @Test
    @SideBySide
    void aTokenOfAnotherRenewsNothing() {
        for (var other : List.of(ISSUER.token("bob"), token("ann", -5), "no token")) {
            try (var client = WireClient.open(port, V5)) {
                Device.connected(client, connect(V5, Device.id("ann-other"), ISSUER.token("ann")));
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, other));
                assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
                assertGoesOn(client, System.nanoTime());
            }
            try (var client = WireClient.open(port, ProtocolVersion.V3_1_1)) {
                Device.connected(client, connect(ProtocolVersion.V3_1_1, Device.id("ann-other"), ISSUER.token("ann")));
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, other));
                client.closeStatus();
            }
        }
    }
}
