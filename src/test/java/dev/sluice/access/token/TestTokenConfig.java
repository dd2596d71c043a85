package dev.sluice.access.token;

import dev.sluice.config.TokenConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.HashMap;
import java.util.Map;

/** The configuration of tokens as the gateway reads it. Stateless. */
final class TestTokenConfig {
    static final String PREFIX = "sluice.access.token.";
    static final String ISSUER = PREFIX + "issuers.test.";

    private TestTokenConfig() {}

    /** @param more key, value, key, value, below {@link #PREFIX} */
    static TokenConfig of(TestIssuer issuer, String... more) {
        var keys = new HashMap<String, String>();
        keys.put(ISSUER + "issuer", TestIssuer.NAME);
        keys.put(ISSUER + "audience", TestIssuer.AUDIENCE);
        keys.put(ISSUER + "jwks-url", issuer.url());
        keys.put(PREFIX + "fetch-timeout", "10s");
        for (int i = 0; i < more.length; i += 2)
            if (more[i + 1] == null) keys.remove(PREFIX + more[i]);
            else keys.put(PREFIX + more[i], more[i + 1]);
        return of(keys);
    }

    private static TokenConfig of(Map<String, String> keys) {
        return new SmallRyeConfigBuilder()
                .withSources(new PropertiesConfigSource(keys, "test", 100))
                .withMapping(TokenConfig.class)
                .withConverter(java.time.Duration.class, 100, TestTokenConfig::duration)
                .build()
                .getConfigMapping(TokenConfig.class);
    }

    /** As Quarkus reads them. */
    private static java.time.Duration duration(String text) {
        return new io.quarkus.runtime.configuration.DurationConverter().convert(text);
    }
}
