package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Stopwatch;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sessions as an operator sees and ends them. */
class SessionAdminIT {
    private static final String SESSIONS = "/admin/sessions";
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final Gateway gateway = Gateway.shared();
    private final Admin admin = new Admin(gateway.port());

    private static String path(String clientId) {
        return SESSIONS + "/"
                + URLEncoder.encode(clientId, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Test
    void oneSessionIsFoundByItsClientIdentifier() {
        var clientId = Device.id("über/den wolken?");
        try (var _ = Device.durable(V5, clientId, false)) {
            var found = admin.get(path(clientId));
            assertThat(found.status()).isEqualTo(200);
            assertThat(found.body().path("clientId").asText()).isEqualTo(clientId);
            assertThat(found.body().path("connected").asBoolean()).isTrue();
            assertThat(found.body().path("anonymous").asBoolean()).isTrue();
            assertThat(found.body().has("user")).isFalse();
            assertThat(found.body().path("protocol").asText()).isEqualTo("5.0");
        }
        assertThat(admin.get(path(Device.id("nobody"))).status()).isEqualTo(404);
    }

    @Test
    void sessionsAreListedByPrefixAndUserAPageAtATime() {
        var prefix = Device.id("listed");
        for (int i = 0; i < 5; i++) Device.durable(V5, prefix + "-" + i, false).close();
        gateway.execute("UPDATE session SET identity = '" + prefix + "' WHERE client_id ~ '" + prefix + "-[13]'");
        var first = admin.get(SESSIONS + "?limit=3&prefix=" + prefix).body();
        assertThat(first.path("sessions").findValuesAsText("clientId"))
                .containsExactly(prefix + "-0", prefix + "-1", prefix + "-2");
        var rest = admin.get(SESSIONS + "?limit=3&prefix=" + prefix + "&after="
                        + first.path("next").asText())
                .body();
        assertThat(rest.path("sessions").findValuesAsText("clientId")).containsExactly(prefix + "-3", prefix + "-4");
        assertThat(rest.has("next")).isFalse();
        var own = admin.get(SESSIONS + "?user=" + prefix).body();
        assertThat(own.path("sessions").findValuesAsText("clientId")).containsExactly(prefix + "-1", prefix + "-3");
        assertThat(own.path("sessions").findValuesAsText("user")).containsOnly(prefix);
    }

    @Test
    void whatIsNoSearchIsRefused() {
        for (var query : new String[] {"limit=0", "limit=1001", "limit=many", "prefix=%00", "user=%00", "after=%00"})
            assertThat(admin.get(SESSIONS + "?" + query).status()).as(query).isEqualTo(400);
    }

    @ParameterizedTest
    @EnumSource
    void anEndedSessionEndsItsConnection(ProtocolVersion version) {
        var clientId = Device.id("ended/by an operator");
        try (var client = Device.durable(version, clientId, false)) {
            var watch = Stopwatch.start();
            assertThat(admin.delete(path(clientId), "X-Sluice-Actor", "operator")
                            .status())
                    .isEqualTo(204);
            Device.assertEnded(client, version, ReasonCode.ADMINISTRATIVE_ACTION);
            watch.assertLessThan(Duration.ofSeconds(5));
        }
        assertThat(admin.get(path(clientId)).status()).isEqualTo(404);
        assertThat(admin.delete(path(clientId)).status()).isEqualTo(404);
        Device.durable(version, clientId, false).close();
    }
}
