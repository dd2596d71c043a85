package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.ProxyConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Proxies that nobody can be are a mistake of the configuration. */
class ProxiesTest {
    @ParameterizedTest
    @CsvSource({
        "protocol, true, sluice.proxy.trusted is empty",
        "forwarded, x-forwarded-for, sluice.proxy.trusted is empty",
        "certificate-header, X-SSL-Cert, sluice.proxy.trusted is empty",
        "trusted, proxy.example, sluice.proxy.trusted:"
    })
    void isNamed(String key, String value, String sentence) {
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(ProxyConfig.class)
                .withDefaultValue("sluice.proxy." + key, value)
                .build()
                .getConfigMapping(ProxyConfig.class);
        assertThatThrownBy(() -> new Proxies(config, new SimpleMeterRegistry()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(sentence);
    }

    @ParameterizedTest
    @ValueSource(strings = {"proxy-address-forwarding", "use-proxy-protocol"})
    void isEverybodyForTheKeysOfQuarkus(String key) {
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(ProxyConfig.class)
                .withMapping(VertxHttpConfig.class)
                .withDefaultValue("quarkus.http.host", "localhost")
                .withDefaultValue("quarkus.http.proxy." + key, "true")
                .build();
        var proxies = config.getConfigMapping(ProxyConfig.class);
        var http = config.getConfigMapping(VertxHttpConfig.class);
        assertThatThrownBy(() -> new Proxies(proxies, http, new SimpleMeterRegistry()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("set sluice.proxy.trusted");
    }
}
