package dev.sluice.downlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.DownlinkConfig;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DownlinkSettingsTest {
    private static DownlinkSettings settings(String... keys) {
        var properties = new HashMap<String, String>();
        for (int i = 0; i < keys.length; i += 2) properties.put("sluice.downlink." + keys[i], keys[i + 1]);
        var config = new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(DownlinkConfig.class)
                .withSources(new PropertiesConfigSource(properties, "case", 100))
                .build()
                .getConfigMapping(DownlinkConfig.class);
        return new DownlinkSettings(config, "sluice.dead-letter");
    }

    @Test
    void thereIsOneKafkaTopicUnlessConfigured() {
        assertThat(settings().kafkaTopics()).containsExactly("sluice.downlink");
        assertThat(settings("topics", "a,b").kafkaTopics()).isEqualTo(List.of("a", "b"));
        assertThat(settings("topics", "").kafkaTopics()).isEmpty();
        settings().requireSound();
    }

    @Test
    void templatesAreByKafkaTopic() {
        var settings = settings("topics", "fleet.commands", "templates.\"fleet.commands\"", "fleet/{key}/command");
        assertThat(settings.templates()).containsOnlyKeys("fleet.commands");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "in-flight | 0 | sluice.downlink.in-flight: is 0, and has to be 1 or more",
                "bytes-in-flight | -1 | sluice.downlink.bytes-in-flight: is -1, and has to be 1 or more",
                "topics | a,sluice.dead-letter | sluice.uplink.dead-letter-topic: is \"sluice.dead-letter\", which is one"
                        + " of sluice.downlink.topics: what cannot be delivered would come again and again",
                "undeliverable-topic | sluice.downlink | sluice.downlink.undeliverable-topic: is \"sluice.downlink\", which"
                        + " is one of sluice.downlink.topics: what cannot be delivered would come again and again",
                "templates.\"other\" | x | sluice.downlink.templates.\"other\": is for a Kafka topic that is not in"
                        + " sluice.downlink.topics",
                "templates.\"sluice.downlink\" | {x} | sluice.downlink.templates.\"sluice.downlink\": \"{x}\" asks for {x},"
                        + " but what there is here is {key}, {kafkaTopic} and {header:name}"
            })
    void aMistakeIsNamedWithItsKey(String key, String value, String mistake) {
        var settings = settings(key, value);
        assertThatThrownBy(() -> {
                    settings.requireSound();
                    settings.templates();
                })
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(mistake);
    }

    @Test
    void theConsumerIsTheUsersButForItsCommits() {
        var settings = settings(
                "group", "mine",
                "in-flight", "50",
                "consumer.\"session.timeout.ms\"", "20000",
                "consumer.\"enable.auto.commit\"", "true");
        var properties = settings.properties(Map.of("bootstrap.servers", "kafka:9092"), "host-1:8080");
        assertThat(properties)
                .containsEntry("bootstrap.servers", "kafka:9092")
                .containsEntry("group.id", "mine")
                .containsEntry("group.instance.id", "host-1-8080")
                .containsEntry("max.poll.records", 50)
                .containsEntry("session.timeout.ms", "20000")
                .containsEntry("enable.auto.commit", false);
    }
}
