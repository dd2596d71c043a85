package dev.sluice.conformance;

import static dev.sluice.conformance.CredentialIT.gateways;
import static dev.sluice.conformance.RuledGateways.RULES;
import static dev.sluice.conformance.RuledGateways.message;
import static dev.sluice.conformance.RuledGateways.publish;
import static dev.sluice.conformance.RuledGateways.subscribe;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rules that change while clients are connected, or away: by REST, by SQL and in a file. */
abstract class AccessChangesCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final Duration SECOND = Duration.ofSeconds(1);

    @BeforeAll
    static void letIn() {
        gateways.letIn();
    }

    @ParameterizedTest
    @EnumSource
    void whoLosesASubscriptionIsEndedWithinASecond(ProtocolVersion version) {
        gateways.allow("lost", "talk/lost/#");
        try (var client = gateways.online(version, Device.id("lost"));
                var other = gateways.online(V5, Device.id("other"))) {
            assertThat(subscribe(client, "talk/lost/a", QoS.AT_MOST_ONCE)).isEqualTo(ReasonCode.SUCCESS);
            subscribe(other, "talk/all/open/#", QoS.AT_MOST_ONCE);
            var watch = Stopwatch.start();
            gateways.delete("lost");
            Device.assertEnded(client, version, ReasonCode.NOT_AUTHORIZED);
            watch.assertLessThan(SECOND);
            other.sendPackets(new Packet.PingReq());
            other.receive(Packet.PingResp.class);
        }
    }

    @Test
    void whoLosesASubscriptionGoesOnWithoutItWhereThatIsConfigured() {
        gateways.allow("lost-too", "talk/lost-too/#");
        var id = Device.id("goes-on");
        try (var client = gateways.durable(1, id, true);
                var publisher = gateways.online(V5, Device.id("publisher"))) {
            Stopwatch.within(SECOND, () -> !subscribe(client, "talk/lost-too/#", QoS.AT_LEAST_ONCE)
                    .isError());
            subscribe(client, "talk/" + id + "/#", QoS.AT_LEAST_ONCE);
            gateways.delete("lost-too");
            Stopwatch.within(SECOND, () -> gateways.value(
                            "SELECT count(*) FROM subscription WHERE filter LIKE 'talk/lost-too/%'")
                    .equals("0"));
            gateways.allow("publisher", "talk/lost-too/#");
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/lost-too/x");
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/" + id + "/marker", "m"));
            assertThat(message(client).topicName()).hasToString("talk/" + id + "/marker");
        } finally {
            gateways.delete("publisher");
        }
    }

    @Test
    void aSessionThatComesBackFindsNeitherTheSubscriptionNorItsMessages() {
        gateways.allow("offline", "talk/offline/#");
        var id = Device.id("offline");
        try (var client = gateways.durable(0, id, true)) {
            assertThat(subscribe(client, "talk/offline/#", QoS.AT_LEAST_ONCE)).isEqualTo(ReasonCode.GRANTED_QOS_1);
        }
        try (var publisher = gateways.online(V5, Device.id("publisher"))) {
            publish(publisher, QoS.AT_LEAST_ONCE, "talk/offline/x");
        }
        gateways.delete("offline");
        try (var client = gateways.durable(0, id, false)) {
            subscribe(client, "talk/" + id + "/#", QoS.AT_LEAST_ONCE);
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/" + id + "/marker", "m"));
            assertThat(message(client).topicName()).hasToString("talk/" + id + "/marker");
            await().until(() -> gateways.value("SELECT count(*) FROM subscription WHERE filter LIKE 'talk/offline/%'")
                    .equals("0"));
        }
    }

    @Test
    void aMessageOfQoS2ThatWasAcceptedStaysSo() {
        gateways.allow("twice", "talk/twice");
        try (var client = gateways.durable(0, Device.id("twice"), true)) {
            var message = Device.publish(QoS.EXACTLY_ONCE, 5, "talk/twice", "m");
            client.sendPackets(message);
            assertThat(client.receive(Packet.PubRec.class).reason().isError()).isFalse();
            gateways.delete("twice");
            client.sendPackets(Device.repeated(message));
            assertThat(client.receive(Packet.PubRec.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            client.sendPackets(new Packet.PubRel(5));
            assertThat(client.receive(Packet.PubComp.class).reason()).isEqualTo(ReasonCode.SUCCESS);
            assertThat(publish(client, QoS.EXACTLY_ONCE, "talk/twice")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
        }
    }

    @Test
    void aRuleThatIsWrittenByHandTakesEffectAndAWrongOneDoesNot() {
        try (var client = gateways.durable(1, Device.id("sql"), true)) {
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/sql")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            gateways.execute(
                    "INSERT INTO access_rule (name, subject, effect, actions, filter) VALUES ('sql', 'all', 'allow', 'publish', 'talk/sql')");
            Stopwatch.within(SECOND, () -> !publish(client, QoS.AT_LEAST_ONCE, "talk/sql")
                    .isError());
            gateways.execute(
                    "INSERT INTO access_rule (name, subject, effect, actions, filter) VALUES ('wrong', 'al', 'deny', 'publish', 'talk/#')");
            Stopwatch.within(
                    SECOND,
                    () -> gateways.admin().get(RULES).body().path("rejected").size() == 1);
            assertThat(gateways.admin()
                            .get(RULES)
                            .body()
                            .path("rejected")
                            .get(0)
                            .path("detail")
                            .asText())
                    .startsWith("rule wrong, subject: is \"al\", but may be all");
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/sql").isError()).isFalse();
        } finally {
            gateways.execute("DELETE FROM access_rule");
        }
        Stopwatch.within(
                SECOND,
                () -> gateways.admin().get(RULES).body().path("rejected").isEmpty());
    }

    @Test
    void aFileThatChangesTakesEffectAndAWrongOneDoesNot() {
        try (var client = gateways.online(V5, Device.id("file"))) {
            gateways.write(RuledGateways.FILE
                    + "  added: {subject: all, effect: allow, actions: publish, filter: talk/file}\n");
            Stopwatch.within(SECOND, () -> !publish(client, QoS.AT_LEAST_ONCE, "talk/file")
                    .isError());
            gateways.write("rules: {own: {subject: nobody, effect: deny, actions: publish, filter: '#'}}");
            Stopwatch.within(
                    SECOND,
                    () -> gateways.admin().get(RULES).body().path("rejected").size() == 1);
            assertThat(publish(client, QoS.AT_LEAST_ONCE, "talk/file").isError())
                    .isFalse();
        } finally {
            gateways.write(RuledGateways.FILE);
        }
        Stopwatch.within(
                SECOND,
                () -> gateways.admin().get(RULES).body().path("rejected").isEmpty());
    }

    @Test
    void rulesAreChangedByVersionAndAudited() {
        var rule = "{'subject':'user:bob','effect':'allow','actions':'publish','filter':'bob/#'}";
        var created = gateways.admin().put(RULES + "/rest", rule, "X-Sluice-Actor", "ann");
        assertThat(created.status()).isEqualTo(201);
        assertThat(gateways.admin()
                        .put(RULES + "/rest", rule, "If-Match", "\"1234567\"")
                        .status())
                .isEqualTo(412);
        var changed = gateways.admin().put(RULES + "/rest", rule.replace("bob/#", "bob/+"), "If-Match", created.tag());
        assertThat(changed.status()).isEqualTo(200);
        assertThat(gateways.admin()
                        .delete(RULES + "/rest", "If-Match", created.tag())
                        .status())
                .isEqualTo(412);
        assertThat(gateways.admin()
                        .delete(RULES + "/rest", "If-Match", changed.tag())
                        .status())
                .isEqualTo(200);
        var history =
                gateways.admin().get("/admin/access/history?rule=rest").body().path("changes");
        assertThat(history.findValuesAsText("action")).containsExactly("delete", "change", "create");
        assertThat(history.get(2).path("actor").asText()).isEqualTo("ann");
        assertThat(history.get(2).path("after").path("filter").asText()).isEqualTo("bob/#");

        assertThat(gateways.admin().delete(RULES + "/own").status()).isEqualTo(409);
        assertThat(gateways.admin().get(RULES + "/none").status()).isEqualTo(404);
        var wrong = gateways.admin()
                .put(RULES + "/rest", rule.replace("bob/#", "a/#/b").replace("user:bob", "bob"));
        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.pointers()).isEqualTo("/subject /filter");
        assertThat(gateways.admin().get(RULES + "/own").body().path("source").asText())
                .isEqualTo("file");
    }

    @Test
    void theRulesSayWhoMayDoWhat() {
        var publish = gateways.admin()
                .post("/admin/access/evaluate", "{'clientId':'d','action':'publish','topic':'talk/d/x','qos':1}");
        assertThat(publish.body().path("allowed").asBoolean()).isTrue();
        assertThat(publish.body().path("rule").asText()).isEqualTo("own");
        var closed = gateways.admin()
                .post("/admin/access/evaluate", "{'clientId':'d','action':'subscribe','topic':'talk/all/#'}");
        assertThat(closed.body().path("allowed").asBoolean()).isFalse();
        assertThat(closed.body().path("rule").asText()).isEqualTo("closed");
        assertThat(closed.body().path("why").asText()).isEqualTo("rule closed denies it, or a part of it");
        var secret = gateways.admin()
                .post("/admin/access/evaluate", "{'clientId':'d','action':'receive','topic':'talk/all/secret'}");
        assertThat(secret.body().path("rule").asText()).isEqualTo("secret");
        var slow = gateways.admin()
                .post("/admin/access/evaluate", "{'clientId':'d','action':'publish','topic':'talk/slow','qos':2}");
        assertThat(slow.body().path("why").asText()).isEqualTo("rule slow allows it up to QoS 0");
        assertThat(gateways.admin()
                        .post("/admin/access/evaluate", "{'clientId':'d','action':'dance','topic':'a'}")
                        .status())
                .isEqualTo(422);
    }
}
