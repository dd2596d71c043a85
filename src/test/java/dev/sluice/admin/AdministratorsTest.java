package dev.sluice.admin;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.AdminConfig;
import dev.sluice.config.TokenConfig;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A token of a client is none of an administrator. */
class AdministratorsTest {
    private static Administrators administrators(String audience, String issuer) {
        var keys = new HashMap<>(Map.of(
                "sluice.access.token.issuers.devices.issuer", "https://issuer.example",
                "sluice.access.token.issuers.devices.audience", "mqtt,both",
                "sluice.access.token.issuers.devices.jwks-url", "https://issuer.example/keys"));
        var corp = "sluice.admin.issuers.corp.";
        keys.put(corp + "issuer", issuer);
        keys.put(corp + "audience", audience);
        keys.put(corp + "jwks-url", "https://issuer.example/keys");
        keys.put(corp + "role-claim", "role");
        var config = new SmallRyeConfigBuilder()
                .withSources(new PropertiesConfigSource(keys, "test", 100))
                .withMapping(AdminConfig.class)
                .withMapping(TokenConfig.class)
                .withConverter(Duration.class, 100, new DurationConverter())
                .build();
        return new Administrators(
                config.getConfigMapping(AdminConfig.class), config.getConfigMapping(TokenConfig.class), null);
    }

    @Test
    void anAudienceOfClientsIsNoneOfAdministrators() {
        assertThatThrownBy(() -> administrators("admin,both", "https://issuer.example"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "sluice.admin.issuers.corp.audience: is also that of sluice.access.token.issuers.devices");
    }

    @Test
    void itMayBeThatOfAnotherIssuer() {
        assertThatCode(() -> administrators("both", "https://other.example")).doesNotThrowAnyException();
        assertThatCode(() -> administrators("admin", "https://issuer.example")).doesNotThrowAnyException();
    }
}
