package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import dev.sluice.support.Gateway;
import dev.sluice.support.Programs;
import dev.sluice.support.Records;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What others' clients publish over WebSocket: MQTT.js and the HiveMQ client. */
class ClientLibrariesIT {
    private static final String TOPIC = "fleet/lib/telemetry";

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("library");

    private List<Records.Record> records() {
        var records = Records.of(gateway, "wire.telemetry", clientId, 3);
        assertThat(records).extracting(Records.Record::key).containsOnly(clientId);
        assertThat(records).extracting(record -> record.header("mqtt-qos")).containsExactly("0", "1", "2");
        assertThat(records).extracting(record -> record.header("mqtt-topic")).containsOnly(TOPIC);
        return records;
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void mqttJs(String version) {
        Programs.node("publish.mjs", "ws://127.0.0.1:" + gateway.port() + "/mqtt", clientId, version, TOPIC);
        var records = records();
        assertThat(records).extracting(Records.Record::text).containsExactly("js-0", "js-1", "js-2");
        var v5 = version.equals("5");
        assertThat(records)
                .extracting(record -> record.header("mqtt-user-site"))
                .containsOnly(v5 ? "north" : null);
        assertThat(records).extracting(record -> record.header("content-type")).containsOnly(v5 ? "text/plain" : null);
    }

    @Test
    void hiveMq3() {
        var client = MqttClient.builder()
                .useMqttVersion3()
                .identifier(clientId)
                .serverHost("127.0.0.1")
                .serverPort(gateway.port())
                .webSocketConfig()
                .serverPath("mqtt")
                .applyWebSocketConfig()
                .buildBlocking();
        client.connect();
        for (var qos : MqttQos.values())
            client.publishWith().topic(TOPIC).qos(qos).payload(new byte[] {1}).send();
        client.disconnect();
        records();
    }

    @Test
    void hiveMq5() {
        var client = MqttClient.builder()
                .useMqttVersion5()
                .identifier(clientId)
                .serverHost("127.0.0.1")
                .serverPort(gateway.port())
                .webSocketConfig()
                .serverPath("devices/a")
                .applyWebSocketConfig()
                .buildBlocking();
        client.connect();
        for (var qos : MqttQos.values()) {
            Mqtt5PublishResult result = client.publishWith()
                    .topic(TOPIC)
                    .qos(qos)
                    .payload(new byte[] {1})
                    .send();
            assertThat(result.getError()).isEmpty();
        }
        client.disconnect();
        records();
    }
}
