package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.ProxyConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
