package dev.sluice.conformance;

import static dev.sluice.conformance.Admin.ROUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.Stopwatch;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Routes read and changed by REST and by SQL; each test leaves no stored route behind. */
class RouteAdminIT {
    private static final String SPEC = "{'filter': 'admin/{x}/#', 'kafkaTopic': 'wire.talk', 'key': '{x}'}";
    private static final String ONE = ROUTES + "/admin-it";

    private final Gateway gateway = Gateway.shared();
    private final Admin admin = new Admin(gateway.port());

    @AfterEach
    void leaveNothing() {
        gateway.execute("DELETE FROM route");
        await().until(() -> gateway.metric("sluice_routes_rejected") == 0
                && gateway.metric("sluice_routes_version")
                        == Double.parseDouble(gateway.query("SELECT version FROM route_set WHERE ? <> ''", "x")));
    }

    private static ReasonCode publish(String topic) {
        try (var client = Device.online(ProtocolVersion.V5, Device.id("admin"))) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, topic, "m"));
            return client.receive(Packet.PubAck.class).reason();
        }
    }

    @Test
    void aRouteIsCreatedReadChangedAndDeleted() {
        assertThat(admin.get(ONE).status()).isEqualTo(404);
        var created = admin.put(ONE, SPEC, "X-Sluice-Actor", "ann");
        assertThat(created.status()).isEqualTo(201);
        var version = created.body().path("version").asLong();
        assertThat(created.tag()).isEqualTo("\"" + version + "\"");
        assertThat(gateway.metric("sluice_routes_version")).isEqualTo(version);

        var read = admin.get(ONE);
        assertThat(read.tag()).isEqualTo(created.tag());
        assertThat(read.body().path("source").asText()).isEqualTo("database");
        assertThat(read.body().path("updatedBy").asText()).isEqualTo("ann");
        assertThat(read.body().path("spec").path("key").asText()).isEqualTo("{x}");
        assertThat(read.body().path("spec").path("onFailure").asText()).isEqualTo("refuse");

        var changed = admin.put(ONE, read.body().path("spec").toString());
        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.tag()).as("nothing was different").isEqualTo(created.tag());
        assertThat(admin.delete(ONE).status()).isEqualTo(200);
        assertThat(admin.get(ONE).status()).isEqualTo(404);
        assertThat(admin.delete(ONE).status()).isEqualTo(404);
    }

    /** For longer than the time to CONNECT, 2 s here, which ends what rests. */
    @Test
    void aRequestIsAnsweredHoweverLongItTakes() throws Exception {
        try (var connection = gateway.postgres();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT FROM route_set FOR UPDATE");
            var created = CompletableFuture.supplyAsync(() -> admin.put(ONE, SPEC));
            await().during(Duration.ofMillis(3500)).until(() -> !created.isDone());
            connection.rollback();
            assertThat(created.get(10, TimeUnit.SECONDS).status()).isEqualTo(201);
        }
    }

    @Test
    void whatIsAnsweredIsInForce() {
        assertThat(publish("admin/a")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        admin.put(ONE, SPEC);
        assertThat(publish("admin/a")).isEqualTo(ReasonCode.SUCCESS);
        admin.delete(ONE);
        assertThat(publish("admin/a")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
    }

    @Test
    void aConnectionFollowsWithItsNextMessage() {
        var clientId = Device.id("admin");
        try (var client = Device.online(ProtocolVersion.V5, clientId)) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "device/d1", "1"))
                    .receive(Packet.PubAck.class);
            admin.put(ROUTES + "/device", "{'filter': 'device/{d}', 'kafkaTopic': 'wire.copy'}");
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 2, "device/d1", "2"))
                    .receive(Packet.PubAck.class);
            admin.delete(ROUTES + "/device");
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 3, "device/d1", "3"))
                    .receive(Packet.PubAck.class);
        }
        assertThat(Records.of(gateway, "wire.device.d1", clientId))
                .extracting(Records.Record::text)
                .containsExactly("1", "3");
        var moved = Records.of(gateway, "wire.copy", clientId);
        assertThat(moved).extracting(Records.Record::text).containsExactly("2");
        assertThat(moved.getFirst().header("mqtt-seq"))
                .as("one sequence, as it is one route")
                .endsWith("/2");
    }

    @Test
    void aStoredRouteTakesThePlaceOfTheFilesAndGivesItBack() {
        assertThat(admin.get(ROUTES + "/talk").body().path("source").asText()).isEqualTo("file");
        assertThat(admin.get(ROUTES + "/talk").tag()).isEqualTo("\"file\"");
        assertThat(admin.delete(ROUTES + "/talk").status()).isEqualTo(409);
        assertThat(admin.put(ROUTES + "/talk", SPEC, "If-Match", "\"file\"").status())
                .isEqualTo(200);
        assertThat(publish("talk/x")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
        var given = admin.delete(ROUTES + "/talk");
        assertThat(given.body().path("route").path("source").asText()).isEqualTo("file");
        assertThat(publish("talk/x")).isEqualTo(ReasonCode.SUCCESS);
    }

    @Test
    void everyMistakeIsNamedWithItsPlace() {
        var answer = admin.put(
                ONE,
                "{'filter': 'a/{b', 'kafkaTopic': 'no topic', 'topik': 1, 'qosFloor': 9, 'headers': {'mqtt-topic': 'x'},"
                        + " 'contract': {'type': 'nonsense'}}");
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.mediaType()).isEqualTo("application/problem+json");
        assertThat(answer.pointers().split(" "))
                .containsExactlyInAnyOrder(
                        "/topik", "/qosFloor", "/filter", "/kafkaTopic", "/headers/mqtt-topic", "/contract");
        assertThat(admin.get(ONE).status()).isEqualTo(404);
        assertThat(admin.put(ROUTES, "{'routes': {'a': {'filter': 'a/{b', 'kafkaTopic': 't'}}}")
                        .pointers())
                .isEqualTo("/routes/a/filter");
        assertThat(admin.put(ROUTES, "{'roots': {}}").pointers()).isEqualTo("/roots");
        assertThat(admin.put(ONE, "{").status()).isEqualTo(400);
        assertThat(admin.put(ONE, "{'kafkaTopic': 'a', 'kafkaTopic': 'b'}").detail())
                .contains("Duplicate field");
        assertThat(admin.put(ROUTES + "/no%20name", SPEC).status()).isEqualTo(422);
        assertThat(admin.put(ONE, SPEC, "X-Sluice-Actor", "x".repeat(257)).status())
                .isEqualTo(400);
    }

    @Test
    void whoHasNotSeenTheLastChangeChangesNothing() {
        var first = admin.put(ONE, SPEC);
        var second = admin.put(ONE, SPEC.replace("wire.talk", "wire.copy"), "If-Match", first.tag());
        assertThat(second.status()).isEqualTo(200);
        assertThat(admin.put(ONE, SPEC, "If-Match", first.tag()).status()).isEqualTo(412);
        assertThat(admin.delete(ONE, "If-Match", first.tag()).status()).isEqualTo(412);
        assertThat(admin.put(ROUTES, "{'routes': {}}", "If-Match", first.tag()).status())
                .isEqualTo(412);
        assertThat(admin.put(ROUTES + "/none", SPEC, "If-Match", "*").status()).isEqualTo(412);
        assertThat(admin.get(ONE).tag()).isEqualTo(second.tag());
        var set = admin.get(ROUTES);
        assertThat(admin.put(ROUTES, "{'routes': {}}", "If-Match", set.tag()).status())
                .isEqualTo(200);
        assertThat(admin.get(ONE).status()).isEqualTo(404);
    }

    @Test
    void theWholeSetIsReplacedAtOnce() {
        admin.put(ONE, SPEC);
        var version = admin.get(ROUTES).body().path("version").asLong();
        var answer = admin.put(
                ROUTES,
                "{'routes': {'one': {'filter': 'one/#', 'kafkaTopic': 'wire.talk'}, 'two': {'filter': 'two/#', 'kafkaTopic': 'wire.talk'}}}");
        assertThat(answer.body().path("version").asLong()).isEqualTo(version + 1);
        assertThat(admin.get(ROUTES).body().path("routes").findValuesAsText("name"))
                .contains("one", "two", "talk")
                .doesNotContain("admin-it");
        assertThat(publish("two/x")).isEqualTo(ReasonCode.SUCCESS);
        assertThat(publish("admin/x")).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
    }

    @Test
    void theHistoryTellsWhoDidWhat() {
        admin.put(ONE, SPEC, "X-Sluice-Actor", "ann");
        admin.delete(ONE);
        var changes =
                admin.get(ROUTES + "/history?route=admin-it&limit=2").body().path("changes");
        assertThat(changes.findValuesAsText("action")).containsExactly("delete", "create");
        assertThat(changes.findValuesAsText("actor")).containsExactly("127.0.0.1", "ann");
        assertThat(changes.get(0).path("after").isNull()).isTrue();
        assertThat(changes.get(1).path("after").path("filter").asText()).isEqualTo("admin/{x}/#");
        assertThat(admin.get(ROUTES + "/history?limit=0").status()).isEqualTo(422);
    }

    @Test
    void anOperatorsSqlTakesEffectWithinASecond() {
        gateway.execute(
                "INSERT INTO route (name, spec) VALUES ('sql', '{\"filter\": \"sql/#\", \"kafkaTopic\": \"wire.talk\"}')");
        Stopwatch.within(Duration.ofSeconds(1), () -> publish("sql/x") == ReasonCode.SUCCESS);
    }

    @Test
    void aWrongSetInPostgreSqlLeavesTheLastGoodOneInForce() {
        var good = admin.put(ONE, SPEC).body().path("version").asLong();
        gateway.execute(
                "INSERT INTO route (name, spec) VALUES ('bad', '{\"filter\": \"a/{b\", \"kafkaTopic\": \"t\"}')");
        await().until(() -> gateway.metric("sluice_routes_rejected") == 1);
        assertThat(gateway.metric("sluice_routes_version")).isEqualTo(good);
        assertThat(publish("admin/a")).isEqualTo(ReasonCode.SUCCESS);
        assertThat(gateway.get("/q/health/ready").statusCode()).isEqualTo(200);
        assertThat(gateway.get("/q/health/ready").body())
                .contains("rejected-because")
                .contains("routes.bad.filter");
        var all = admin.get(ROUTES).body();
        assertThat(all.path("inForce").asLong()).isEqualTo(good);
        assertThat(all.path("rejected").findValuesAsText("pointer")).containsExactly("/routes/bad/filter");
        assertThat(admin.put(ONE, SPEC.replace("talk", "copy")).status())
                .as("another route would not mend it")
                .isEqualTo(422);
        assertThat(admin.delete(ROUTES + "/bad").status()).isEqualTo(200);
        assertThat(gateway.metric("sluice_routes_rejected")).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'{\"filter\": \"a\", \"kafkaTopic\": \"t\", \"maximumPayload\": 1e5000}'",
                "('{\"kafkaTopic\": ' || repeat('[', 1100) || repeat(']', 1100) || '}')::jsonb"
            })
    void whatNobodyCanReadIsAMistakeOfItsRoute(String spec) {
        gateway.execute("INSERT INTO route (name, spec) VALUES ('bad', " + spec + ")");
        await().until(() -> gateway.metric("sluice_routes_rejected") == 1);
        var all = admin.get(ROUTES).body();
        assertThat(all.path("rejected").findValuesAsText("pointer")).containsExactly("/routes/bad");
        assertThat(all.path("rejected").findValuesAsText("detail").getFirst()).startsWith("cannot be read: ");
        assertThat(admin.get(ROUTES + "/history?route=bad").status()).isEqualTo(200);
        gateway.execute("DELETE FROM route");
        Stopwatch.within(Duration.ofSeconds(1), () -> gateway.metric("sluice_routes_rejected") == 0);
    }

    @Test
    void aMessageIsTriedAndNothingIsProduced() {
        var question =
                "{'clientId': 'trial', 'topic': 'fleet/both/telemetry/x', 'qos': 1, 'retain': true, 'payload': 'p', 'username': 'u',"
                        + " 'contentType': 'text/plain', 'properties': {'site': ['a', 'b']}}";
        var answer = admin.post(ROUTES + "/evaluate", question).body();
        assertThat(answer.path("outcome").asText()).isEqualTo("produced");
        var records = answer.path("records");
        assertThat(records.findValuesAsText("route")).containsExactly("copy", "telemetry");
        assertThat(records.get(0).path("key").asText()).isEqualTo("fleet/both/telemetry/x");
        assertThat(records.get(0).path("value").asText()).isEqualTo("p");
        assertThat(records.get(0).path("headers").toString())
                .contains("{\"name\":\"mqtt-retain\",\"value\":\"1\"}")
                .contains("{\"name\":\"content-type\",\"value\":\"text/plain\"}")
                .contains("{\"name\":\"mqtt-user-site\",\"value\":\"b\"}")
                .contains("{\"name\":\"mqtt-username\",\"value\":\"u\"}");
        assertThat(answer.path("others").toString())
                .contains("{\"route\":\"talk\",\"why\":\"its filter does not match\"}");
        assertThat(Records.of(gateway, "wire.copy", "trial")).isEmpty();
    }

    @Test
    void aMessageIsTriedWithOtherRoutesAndIsRefusedAsItWouldBe() {
        var refused = admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': 'nowhere'}")
                .body();
        assertThat(refused.path("outcome").asText()).isEqualTo("refused");
        assertThat(refused.path("refusal").path("reasonCode").asText()).isEqualTo("0x90");
        var broken = admin.post(
                        ROUTES + "/evaluate",
                        "{'clientId': 'c', 'topic': 'try/x', 'payloadBase64': '/w==', 'routes': {'t': {'filter': 'try/#', 'kafkaTopic': 't',"
                                + " 'contract': {'type': 'object'}}}}")
                .body();
        assertThat(broken.path("refusal").path("error").asText()).isEqualTo("contract-broken");
        var bytes = admin.post(
                        ROUTES + "/evaluate",
                        "{'clientId': 'c', 'topic': 'try/x', 'payloadBase64': '/w==', 'routes': {'t': {'filter': 'try/#', 'kafkaTopic': 't'}}}")
                .body();
        assertThat(bytes.path("records").get(0).path("valueBase64").asText()).isEqualTo("/w==");
        assertThat(admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': '$SYS/x'}")
                        .body()
                        .path("refusal")
                        .path("reasonCode")
                        .asText())
                .isEqualTo("0x87");
        var noText = admin.post(
                        ROUTES + "/evaluate",
                        "{'clientId': 'c', 'topic': 'talk/x', 'payloadBase64': '/w==', 'payloadFormatIndicator': 1}")
                .body();
        assertThat(noText.path("refusal").path("error").asText()).isEqualTo("payload-format-invalid");
        assertThat(noText.path("refusal").path("reasonCode").asText()).isEqualTo("0x99");
        assertThat(admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': 'a/#'}")
                        .pointers())
                .isEqualTo("/topic");
        assertThat(admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topik': 'a'}")
                        .pointers())
                .isEqualTo("/topik");
        assertThat(admin.post(ROUTES + "/evaluate", "{'clientId': 'c', 'topic': 'a', 'routes': {'t': {}}}")
                        .pointers())
                .contains("/routes/t/kafkaTopic");
    }

    @Test
    void whatIsHardlyMeantIsFound() {
        var put = admin.put(ONE, "{'filter': 'talk/{x}', 'kafkaTopic': 'wire.nowhere'}")
                .body()
                .path("warnings");
        assertThat(put.findValuesAsText("kind")).containsExactlyInAnyOrder("overlapping", "dangling", "missing-topic");
        var far = admin.put(ONE, "{'filter': 'far', 'kafkaTopic': 'wire.parts', 'partition': 5}")
                .body()
                .path("warnings");
        assertThat(far.findValuesAsText("kind")).containsExactly("missing-partition");
        var lint = admin.get(ROUTES + "/lint").body();
        assertThat(lint.path("topicsKnown").asBoolean()).isTrue();
        assertThat(lint.path("findings").findValuesAsText("kind")).contains("overlapping", "missing-partition");
    }

    @Test
    void theApiDescribesItself() {
        var description = gateway.get("/q/openapi?format=json").body();
        assertThat(description)
                .contains("\"/admin/routes\"", "\"/admin/routes/{name}\"", "\"/admin/routes/evaluate\"")
                .contains("\"/admin/routes/lint\"", "\"/admin/routes/history\"", "\"RouteTrialRequest\"", "\"bearer\"");
        assertThat(gateway.get("/q/swagger-ui").statusCode()).isEqualTo(404);
    }
}
