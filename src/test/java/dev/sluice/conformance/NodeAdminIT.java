package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.support.Gateway;
import java.time.Duration;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Gateways as an operator sees them, and tells one to let its clients go. */
class NodeAdminIT {
    private static final String NODES = "/admin/nodes";

    private final Gateway gateway = Gateway.shared();
    private final Admin admin = new Admin(gateway.port());

    @AfterEach
    void forget() {
        gateway.execute("DELETE FROM node WHERE id = 'another/one'");
    }

    @Test
    void aGatewayIsShownAndToldToDrainAndNotTo() {
        gateway.execute("INSERT INTO node (id, run, lease_until, started_at)"
                + " VALUES ('another/one', nextval('session_epoch'), now() + interval '1 h', now())");

        assertThat(admin.post(NODES + "/another%2Fone/drain", "{}").status()).isEqualTo(204);

        var nodes = admin.get(NODES).body();
        var own = find(nodes, it -> it.path("address").asText().endsWith(":" + gateway.port()));
        assertThat(own.path("state").asText()).isEqualTo("alive");
        assertThat(own.path("run").asLong()).isPositive();
        assertThat(own.path("mailbox").asInt()).isPositive();
        assertThat(own.path("draining").asBoolean()).isFalse();
        assertThat(own.path("version").asText()).isNotEmpty();
        assertThat(own.has("leaseUntil")).isTrue();
        assertThat(own.has("connections")).isTrue();
        var told = find(nodes, it -> it.path("id").asText().equals("another/one"));
        assertThat(told.path("draining").asBoolean()).isTrue();
        assertThat(told.has("mailbox")).isFalse();
        assertThat(own.path("ready").isBoolean()).isTrue();
        assertThat(admin.delete(NODES + "/another%2Fone/drain").status()).isEqualTo(204);
        told = find(admin.get(NODES).body(), it -> it.path("id").asText().equals("another/one"));
        assertThat(told.path("draining").asBoolean()).isFalse();
        assertThat(gateway.metric("sluice_nodes_alive")).isPositive();
        assertThat(gateway.get("/q/openapi?format=json").body()).contains("\"/admin/nodes/{id}/drain\"");
    }

    private static JsonNode find(JsonNode nodes, Predicate<JsonNode> which) {
        for (var node : nodes) if (which.test(node)) return node;
        throw new AssertionError("not among " + nodes);
    }

    @Test
    void whoIsConfiguredDifferentlyIsCountedAndShown() {
        gateway.execute(
                "INSERT INTO node (id, run, lease_until, started_at, settings, settings_run)"
                        + " VALUES ('another/one', 1, now() + interval '1 h', now(), '{\"sluice.mqtt.share-order\":\"other\"}', 1)");
        await().atMost(Duration.ofSeconds(30)).until(() -> gateway.metric("sluice_nodes_settings_different") == 1);

        var own =
                find(admin.get(NODES).body(), it -> it.path("address").asText().endsWith(":" + gateway.port()));
        assertThat(own.path("settings").path("sluice.mqtt.share-order").asText())
                .isEqualTo("none");
        assertThat(own.path("settings").path("sluice.node.lease").asText()).startsWith("PT");
    }

    @Test
    void nobodyIsToldWhoDoesNotRun() {
        assertThat(admin.post(NODES + "/nobody/drain", "{}").status()).isEqualTo(404);
        assertThat(admin.delete(NODES + "/nobody/drain").status()).isEqualTo(404);
    }
}
