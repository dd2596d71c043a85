package dev.sluice.broker.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.config.MqttConfig;
import dev.sluice.config.MqttConfig.ShareOrder;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ShareOrderTest {
    private static ShareOrder read(Map<String, String> keys) {
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(MqttConfig.class)
                .withSources(new PropertiesConfigSource(keys, "test", 1000))
                .withValidateUnknown(false)
                .build()
                .getConfigMapping(MqttConfig.class)
                .shareOrder();
    }

    @Test
    void isOneOfThree() {
        assertThat(read(Map.of())).isEqualTo(ShareOrder.NONE);
        assertThat(read(Map.of("sluice.mqtt.share-order", "topic"))).isEqualTo(ShareOrder.TOPIC);
        assertThat(read(Map.of("sluice.mqtt.share-order", "client"))).isEqualTo(ShareOrder.CLIENT);
    }

    @Test
    void anythingElseIsRefusedWithWhatItMayBe() {
        assertThatThrownBy(() -> read(Map.of("sluice.mqtt.share-order", "publisher")))
                .hasStackTraceContaining("sluice.mqtt.share-order")
                .hasStackTraceContaining("publisher")
                .hasStackTraceContaining("none")
                .hasStackTraceContaining("topic")
                .hasStackTraceContaining("client");
    }
}
