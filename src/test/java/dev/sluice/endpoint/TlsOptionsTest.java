package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.TlsConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.tls.TlsConfiguration;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.core.http.HttpServerOptions;
import java.lang.reflect.Proxy;
import java.security.KeyStore;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Without a trust store no certificate is asked for. */
class TlsOptionsTest {
    @ParameterizedTest
    @ValueSource(strings = {"request", "required"})
    void certificatesNeedATrustStore(String clientCertificate) throws Exception {
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(TlsConfig.class)
                .withMapping(VertxHttpConfig.class)
                .withDefaultValue("quarkus.http.host", "localhost")
                .withDefaultValue("quarkus.http.tls-configuration-name", "mqtt")
                .withDefaultValue("sluice.tls.client-certificate", clientCertificate)
                .build();
        var tls = config.getConfigMapping(TlsConfig.class);
        var http = config.getConfigMapping(VertxHttpConfig.class);
        var files = new TlsFiles(registry(), http, tls, null, new SimpleMeterRegistry());
        assertThatThrownBy(() -> new TlsOptions(tls, files, null).customizeHttpsServer(new HttpServerOptions()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("sluice.tls.client-certificate: needs the trust store");
    }

    /** Of one configuration, which has a key store and nothing else. */
    private static TlsConfigurationRegistry registry() throws Exception {
        var keys = KeyStore.getInstance(KeyStore.getDefaultType());
        var tls = answering(TlsConfiguration.class, "getKeyStore", keys);
        return answering(TlsConfigurationRegistry.class, "get", Optional.of(tls));
    }

    private static <T> T answering(Class<T> type, String name, Object answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (_, method, _) -> method.getName().equals(name) ? answer : null));
    }
}
