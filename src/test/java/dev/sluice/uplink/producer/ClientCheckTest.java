package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quarkus.runtime.StartupEvent;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.common.record.CompressionType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ClientCheckTest {
    private static void check(Map<String, Object> properties, boolean isExecutable) {
        ClientCheck.require(properties, name -> "kafka." + name, isExecutable);
    }

    @Test
    void whatIsThereIsTaken() {
        Map<String, Object> properties = Map.of(
                "bootstrap.servers", "127.0.0.1:9092",
                "partition.assignment.strategy", List.of(CooperativeStickyAssignor.class),
                "metric.reporters", "org.apache.kafka.common.metrics.JmxReporter",
                "interceptor.classes", "",
                "security.protocol", "SASL_SSL",
                "sasl.mechanism", "PLAIN",
                "sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"x\";");
        assertThatCode(() -> check(properties, true)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "partitioner.class, fleet.Partitioner",
        "interceptor.classes, fleet.Interceptor",
        "config.providers.vault.class, fleet.Vault",
        "sasl.jaas.config, fleet.Login required;",
        "key.serializer, fleet.Serializer"
    })
    void aClassThatIsMissingIsNamed(String property, String value) {
        assertThatThrownBy(() -> check(Map.of(property, value), false))
                .hasMessageStartingWith("kafka." + property + " names the class fleet.")
                .hasMessageContaining("which the gateway does not have");
        assertThatThrownBy(() -> check(Map.of(property, value), true))
                .hasMessageContaining("which is not in the native executable");
    }

    /** The producer's own properties go before those that all clients of Kafka's have. */
    @Test
    void aClassOfTheProducerIsNamedByTheKeyThatIsSet() {
        var nothing = new SmallRyeConfigBuilder().build();
        var ofAll = new ClientCheck(nothing, Map.of("metric.reporters", "fleet.Own"));
        assertThatThrownBy(() -> ofAll.checkProducer(new StartupEvent()))
                .hasMessageStartingWith("kafka.metric.reporters names the class fleet.Own");
        var key = "mp.messaging.outgoing.uplink.metric.reporters";
        var own = new SmallRyeConfigBuilder().withDefaultValue(key, "fleet.Own").build();
        var ofProducer = new ClientCheck(own, Map.of("metric.reporters", ""));
        assertThatThrownBy(() -> ofProducer.checkProducer(new StartupEvent()))
                .hasMessageStartingWith(key + " names the class fleet.Own");
    }

    @Test
    void kerberosIsForTheJarAlone() {
        Map<String, Object> kerberos = Map.of("security.protocol", "SASL_PLAINTEXT");
        assertThatCode(() -> check(kerberos, false)).doesNotThrowAnyException();
        assertThatThrownBy(() -> check(kerberos, true))
                .hasMessage(
                        "kafka.sasl.mechanism=GSSAPI: Kerberos does not work in the native executable; it does in the jar");
        assertThatCode(() -> check(Map.of("security.protocol", "SSL"), true)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @EnumSource
    void everyCodecWorks(CompressionType codec) {
        assertThatCode(() -> Codecs.requireUsable(Map.of("compression.type", codec.name)))
                .doesNotThrowAnyException();
        assertThat(Codecs.unreadable()).isEmpty();
    }

    @Test
    void aCodecThatDoesNotExistIsRefused() {
        assertThatThrownBy(() -> Codecs.requireUsable(Map.of("compression.type", "brotli")))
                .hasMessageStartingWith(
                        "mp.messaging.outgoing.uplink.compression.type: \"brotli\" cannot be used by this gateway");
    }
}
