package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A gateway that keeps rules, and what clients get that try to get round them; on two gateways where one follows the other. */
class AccessRulesIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final ProtocolVersion V311 = ProtocolVersion.V3_1_1;
    private static final String RULES = "/admin/access/rules";
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static final String FILE = """
            rules:
              own: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/{clientId}/#"}
              shout: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/all/#"}
              slow: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/slow", qos: 0}
              plain: {subject: all, effect: allow, actions: publish, filter: "talk/plain", retain: false}
              secret: {subject: all, effect: deny, actions: receive, filter: "talk/all/secret/#", priority: 10}
              closed: {subject: all, effect: deny, actions: subscribe, filter: "talk/all/closed/#", priority: 10}
            """;

    private static final List<GatewayProcess> GATEWAYS = new ArrayList<>();
    private static final List<Integer> PORTS = new ArrayList<>();
    private static String database;
    private static Path file;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        file = Files.writeString(folder.resolve("rules.yaml"), FILE);
        var own = Gateway.shared().databaseOfItsOwn();
        database = own.substring(own.indexOf('=') + 1);
        for (var onLostRight : List.of("disconnect", "unsubscribe"))
            GATEWAYS.add(Gateway.shared()
                    .startAnother(
                            PORTS::add,
                            own,
                            "-Dsluice.access.authorization=rules",
                            "-Dsluice.access.rules-file=" + file,
                            "-Dsluice.access.on-lost-right=" + onLostRight));
    }

    @AfterAll
    static void stop() {
        GATEWAYS.forEach(GatewayProcess::close);
    }

    private static Admin admin() {
        return new Admin(PORTS.getFirst());
    }

    private static void allow(String name, String filter) {
        var rule = "{'subject':'all','effect':'allow','actions':['publish','subscribe'],'filter':'" + filter + "'}";
        assertThat(admin().put(RULES + "/" + name, rule).status()).isIn(200, 201);
    }

    private static WireClient open(int gateway, ProtocolVersion version, Packet.Connect connect) {
        var client = WireClient.open(PORTS.get(gateway), version);
        Device.connected(client, connect);
        return client;
    }

    private static WireClient online(ProtocolVersion version, String clientId) {
        return open(0, version, Device.connect(version, clientId, true, Properties.NONE));
    }

    private static WireClient durable(int gateway, String clientId, boolean clean) {
        return open(gateway, V5, Device.connect(V5, clientId, clean, Device.expiry(3600)));
    }

    private static Packet.Publish retained(QoS qos, int packetId, String topic) {
        var payload = "kept".getBytes(StandardCharsets.UTF_8);
        return new Packet.Publish(false, qos, true, TopicName.of(topic), packetId, Properties.NONE, payload);
    }

    private static ReasonCode publish(WireClient client, QoS qos, String topic) {
        client.sendPackets(Device.publish(qos, 7, topic, "m"));
        if (qos == QoS.AT_LEAST_ONCE) return client.receive(Packet.PubAck.class).reason();
        var answer = client.receive(Packet.PubRec.class).reason();
        if (answer.isError()) return answer;
        client.sendPackets(new Packet.PubRel(7));
        client.receive(Packet.PubComp.class);
        return answer;
    }

    private static ReasonCode subscribe(WireClient client, String filter, QoS qos) {
        var entry = new Subscription(filter, qos, false, false, 0);
        client.sendPackets(new Packet.Subscribe(9, List.of(entry), Properties.NONE));
        return client.receive(Packet.SubAck.class).reasons().getFirst();
    }

    @ParameterizedTest
    @EnumSource(names = {"AT_LEAST_ONCE", "EXACTLY_ONCE"})
    void whatNoRuleAllowsIsRefusedAndTheConnectionGoesOn(QoS qos) {
        var id = Device.id("pub");
        try (var client = online(V5, id)) {
            assertThat(publish(client, qos, "talk/other/x")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, qos, "talk/" + id + "x")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, qos, "talk/" + id + "/x").isError()).isFalse();
        }
        try (var client = online(V311, id)) {
            client.sendPackets(Device.publish(qos, 1, "talk/other/x", "m"));
            client.closeStatus();
        }
    }

    @Test
    void aMessageOfQoS0ThatIsRefusedReachesNobody() {
        var victim = Device.id("victim");
        try (var subscriber = online(V5, victim);
                var attacker = online(V5, Device.id("attacker"))) {
            subscribe(subscriber, "talk/" + victim + "/#", QoS.AT_LEAST_ONCE);
            attacker.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/" + victim + "/x", "m"), new Packet.PingReq());
            attacker.receive(Packet.PingResp.class);
            subscriber.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/" + victim + "/marker", "m"));
            assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/" + victim + "/marker");
        }
    }

    @Test
    void theCeilingOfARuleAndRetainHold() {
        try (var client = online(V5, Device.id("ceiling"))) {
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/slow")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "talk/slow", QoS.EXACTLY_ONCE)).isEqualTo(ReasonCode.SUCCESS);
            client.sendPackets(Device.publish(QoS.AT_MOST_ONCE, 0, "talk/slow", "m"));
            assertThat(client.receive(Packet.Publish.class).qos()).isEqualTo(QoS.AT_MOST_ONCE);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/plain").isError()).isFalse();
            client.sendPackets(retained(QoS.AT_LEAST_ONCE, 8, "talk/plain"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "#", "+/#", "+", "/#", "talk/#", "talk/+/x", "talk/+/#", "+/all/#", "$SYS/#", "$SYS/+", "$share/g/#",
                "$share/g/talk/+/#", "$share/talk/all/#", "talk/other/#", "talk/all/#", "talk/all/+/x", "talk/all/closed"
            })
    void noFilterReachesMoreThanIsAllowed(String filter) {
        try (var client = online(V5, Device.id("escape"))) {
            assertThat(subscribe(client, filter, QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "talk/all/open/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
            assertThat(subscribe(client, "$share/g/talk/all/open/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
        }
        try (var client = online(V311, Device.id("escape"))) {
            assertThat(subscribe(client, filter, QoS.AT_LEAST_ONCE).isError()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"+", "#", "other/x", "+/#", "../all", "$SYS", "{clientId}"})
    void noClientIdInjectsIntoAFilter(String clientId) {
        try (var client = online(V5, clientId)) {
            for (var filter : List.of("talk/+/#", "talk/#", "talk/other/x/#", "talk/+", "$SYS/#", "talk/../all/#"))
                assertThat(subscribe(client, filter, QoS.AT_MOST_ONCE))
                        .describedAs(filter)
                        .isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/other/x/y")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @Test
    void whatMayNotBeReceivedIsNotLiveNorQueuedNorRetainedNorShared() {
        var id = Device.id("receive");
        try (var publisher = online(V5, Device.id("publisher"))) {
            publisher.sendPackets(retained(QoS.AT_LEAST_ONCE, 1, "talk/all/secret/kept"));
            assertThat(publisher.receive(Packet.PubAck.class).reason().isError()).isFalse();
            allow("receive-all", "talk/all/#");
            assertThat(admin().put(RULES + "/closed", "{'subject':'all','effect':'deny','actions':'subscribe','filter':'talk/none'}")
                            .status())
                    .isEqualTo(201);
            try (var subscriber = durable(0, id, true)) {
                assertThat(subscribe(subscriber, "talk/all/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
                assertThat(subscribe(subscriber, "$share/g/talk/all/#", QoS.AT_LEAST_ONCE))
                        .isEqualTo(ReasonCode.GRANTED_QOS_1);
                publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/secret/live");
                publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/open");
                for (int i = 0; i < 2; i++) {
                    var message = subscriber.receive(Packet.Publish.class);
                    assertThat(message.topicName()).hasToString("talk/all/open");
                    subscriber.sendPackets(new Packet.PubAck(message.packetId()));
                }
                subscriber.sendPackets(Device.goodbye());
                subscriber.closeStatus();
            }
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/secret/queued");
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/all/later");
            try (var subscriber = durable(0, id, false)) {
                assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/all/later");
            }
        } finally {
            admin().delete(RULES + "/receive-all");
            admin().delete(RULES + "/closed");
        }
    }

    private static Will will(String topic) {
        return new Will(TopicName.of(topic), QoS.AT_LEAST_ONCE, false, Properties.NONE, "gone".getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @EnumSource
    void aWillThatMayNotBePublishedLetsNobodyIn(ProtocolVersion version) {
        var client = WireClient.open(PORTS.getFirst(), version);
        var connect = Device.connect(version, Device.id("will"), will("talk/other/x"), Properties.NONE);
        assertThat(client.connect(connect).receive(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        client.closeStatus();
    }

    @Test
    void aWillIsJudgedAgainWhenItIsDue() {
        allow("wills", "talk/wills/#");
        var watcher = Device.id("watcher");
        try (var subscriber = online(V5, watcher)) {
            assertThat(subscribe(subscriber, "talk/all/open/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
            var mortal = open(
                    0, V5, Device.connect(V5, Device.id("mortal"), will("talk/wills/x"), Properties.NONE));
            var lucky = open(
                    0, V5, Device.connect(V5, Device.id("lucky"), will("talk/all/open/x"), Properties.NONE));
            admin().delete(RULES + "/wills");
            var refused = wills("refused");
            mortal.close();
            await().atMost(Duration.ofSeconds(10)).until(() -> wills("refused") == refused + 1);
            lucky.close();
            assertThat(subscriber.receive(Packet.Publish.class).topicName()).hasToString("talk/all/open/x");
        }
    }

    private static double wills(String outcome) {
        return PORTS.stream()
                .flatMap(port -> Gateway.get(port, "/q/metrics").body().lines())
                .filter(line -> line.startsWith("sluice_wills_total{") && line.contains(outcome))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @ParameterizedTest
    @EnumSource
    void whoLosesASubscriptionIsEndedWithinASecond(ProtocolVersion version) {
        allow("lost", "talk/lost/#");
        try (var client = online(version, Device.id("lost"));
                var other = online(V5, Device.id("other"))) {
            assertThat(subscribe(client, "talk/lost/a", QoS.AT_MOST_ONCE)).isEqualTo(ReasonCode.SUCCESS);
            subscribe(other, "talk/all/open/#", QoS.AT_MOST_ONCE);
            client.patience(SECOND);
            admin().delete(RULES + "/lost");
            Device.assertEnded(client, version, ReasonCode.NOT_AUTHORIZED);
            other.sendPackets(new Packet.PingReq());
            other.receive(Packet.PingResp.class);
        }
    }

    @Test
    void whoLosesASubscriptionGoesOnWithoutItWhereThatIsConfigured() {
        allow("lost-too", "talk/lost-too/#");
        var id = Device.id("goes-on");
        try (var client = durable(1, id, true);
                var publisher = online(V5, Device.id("publisher"))) {
            await().atMost(SECOND).until(() -> !subscribe(client, "talk/lost-too/#", QoS.AT_LEAST_ONCE).isError());
            subscribe(client, "talk/" + id + "/#", QoS.AT_LEAST_ONCE);
            assertThat(admin().delete(RULES + "/lost-too").status()).isEqualTo(200);
            await().atMost(SECOND)
                    .until(() -> value("SELECT count(*) FROM subscription WHERE filter LIKE 'talk/lost-too/%'").equals("0"));
            allow("publisher", "talk/lost-too/#");
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/lost-too/x");
            publish(client, QoS.AT_LEAST_ONCE, "talk/" + id + "/marker");
            assertThat(client.receive(Packet.Publish.class).topicName()).hasToString("talk/" + id + "/marker");
        } finally {
            admin().delete(RULES + "/publisher");
        }
    }

    @Test
    void aSessionThatComesBackFindsNeitherTheSubscriptionNorItsMessages() {
        allow("offline", "talk/offline/#");
        var id = Device.id("offline");
        try (var client = durable(0, id, true)) {
            assertThat(subscribe(client, "talk/offline/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
        }
        try (var publisher = online(V5, Device.id("publisher"))) {
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/offline/x");
        }
        assertThat(admin().delete(RULES + "/offline").status()).isEqualTo(200);
        try (var client = durable(0, id, false)) {
            subscribe(client, "talk/" + id + "/#", QoS.AT_LEAST_ONCE);
            publish(client, QoS.AT_LEAST_ONCE, "talk/" + id + "/marker");
            assertThat(client.receive(Packet.Publish.class).topicName()).hasToString("talk/" + id + "/marker");
            await().until(() -> value("SELECT count(*) FROM subscription WHERE filter LIKE 'talk/offline/%'").equals("0"));
        }
    }

    @Test
    void aMessageOfQoS2ThatWasAcceptedStaysSo() {
        allow("twice", "talk/twice");
        try (var client = durable(0, Device.id("twice"), true)) {
            var message = Device.publish(QoS.EXACTLY_ONCE, 5, "talk/twice", "m");
            client.sendPackets(message);
            assertThat(client.receive(Packet.PubRec.class).reason().isError()).isFalse();
            admin().delete(RULES + "/twice");
            client.sendPackets(Device.repeated(message));
            assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            client.sendPackets(new Packet.PubRel(5));
            assertThat(client.receive(Packet.PubComp.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, QoS.EXACTLY_ONCE, "talk/twice")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @Test
    void aRuleThatIsWrittenByHandTakesEffectAndAWrongOneDoesNot() {
        try (var client = durable(1, Device.id("sql"), true)) {
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/sql")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            execute("INSERT INTO access_rule (name, subject, effect, actions, filter) VALUES ('sql', 'all', 'allow', 'publish', 'talk/sql')");
            await().atMost(SECOND).until(() -> !publish(client, QoS.AT_LEAST_ONCE, "talk/sql").isError());
            execute("INSERT INTO access_rule (name, subject, effect, actions, filter) VALUES ('wrong', 'al', 'deny', 'publish', 'talk/#')");
            await().atMost(SECOND).until(() -> admin().get(RULES).body().path("rejected").size() == 1);
            assertThat(admin().get(RULES).body().path("rejected").get(0).path("detail").asText())
                    .startsWith("rule wrong, subject: is \"al\", but may be all");
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/sql").isError()).isFalse();
        } finally {
            execute("DELETE FROM access_rule");
        }
        await().atMost(SECOND).until(() -> admin().get(RULES).body().path("rejected").isEmpty());
    }

    @Test
    void aFileThatChangesTakesEffectAndAWrongOneDoesNot() throws IOException {
        try (var client = online(V5, Device.id("file"))) {
            Files.writeString(file, FILE + "  added: {subject: all, effect: allow, actions: publish, filter: talk/file}\n");
            await().atMost(SECOND).until(() -> !publish(client, QoS.AT_LEAST_ONCE, "talk/file").isError());
            Files.writeString(file, "rules: {own: {subject: nobody, effect: deny, actions: publish, filter: '#'}}");
            await().atMost(SECOND).until(() -> admin().get(RULES).body().path("rejected").size() == 1);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/file").isError()).isFalse();
        } finally {
            Files.writeString(file, FILE);
        }
        await().atMost(SECOND).until(() -> admin().get(RULES).body().path("rejected").isEmpty());
    }

    @Test
    void rulesAreChangedByVersionAndAudited() {
        var rule = "{'subject':'user:bob','effect':'allow','actions':'publish','filter':'bob/#'}";
        var created = admin().put(RULES + "/rest", rule, "X-Sluice-Actor", "ann");
        assertThat(created.status()).isEqualTo(201);
        assertThat(admin().put(RULES + "/rest", rule, "If-Match", "\"1234567\"").status()).isEqualTo(412);
        var changed = admin().put(RULES + "/rest", rule.replace("bob/#", "bob/+"), "If-Match", created.tag());
        assertThat(changed.status()).isEqualTo(200);
        assertThat(admin().delete(RULES + "/rest", "If-Match", created.tag()).status()).isEqualTo(412);
        assertThat(admin().delete(RULES + "/rest", "If-Match", changed.tag()).status()).isEqualTo(200);
        var history = admin().get("/admin/access/history?rule=rest").body().path("changes");
        assertThat(history.findValuesAsText("action")).containsExactly("delete", "change", "create");
        assertThat(history.get(2).path("actor").asText()).isEqualTo("ann");
        assertThat(history.get(2).path("after").path("filter").asText()).isEqualTo("bob/#");

        assertThat(admin().delete(RULES + "/own").status()).isEqualTo(409);
        assertThat(admin().get(RULES + "/none").status()).isEqualTo(404);
        var wrong = admin().put(RULES + "/rest", rule.replace("bob/#", "a/#/b").replace("user:bob", "bob"));
        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.pointers()).isEqualTo("/rules/rest/subject /rules/rest/filter");
        assertThat(admin().get(RULES + "/own").body().path("source").asText()).isEqualTo("file");
    }

    @Test
    void theRulesSayWhoMayDoWhat() {
        var publish = admin().post("/admin/access/evaluate", "{'clientId':'d','action':'publish','topic':'talk/d/x','qos':1}");
        assertThat(publish.body().path("allowed").asBoolean()).isTrue();
        assertThat(publish.body().path("rule").asText()).isEqualTo("own");
        var closed = admin().post("/admin/access/evaluate", "{'clientId':'d','action':'subscribe','topic':'talk/all/#'}");
        assertThat(closed.body().path("allowed").asBoolean()).isFalse();
        assertThat(closed.body().path("rule").asText()).isEqualTo("closed");
        assertThat(closed.body().path("why").asText()).isEqualTo("rule closed denies it, or a part of it");
        var secret = admin().post("/admin/access/evaluate", "{'clientId':'d','action':'receive','topic':'talk/all/secret'}");
        assertThat(secret.body().path("rule").asText()).isEqualTo("secret");
        var slow = admin().post("/admin/access/evaluate", "{'clientId':'d','action':'publish','topic':'talk/slow','qos':2}");
        assertThat(slow.body().path("why").asText()).isEqualTo("rule slow allows it up to QoS 0");
        assertThat(admin().post("/admin/access/evaluate", "{'clientId':'d','action':'dance','topic':'a'}").status())
                .isEqualTo(422);
    }

    private static void execute(String sql) {
        try (var connection = DriverManager.getConnection(database, EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String value(String sql) {
        try (var connection = DriverManager.getConnection(database, EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
