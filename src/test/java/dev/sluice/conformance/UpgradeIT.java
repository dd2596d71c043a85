package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import dev.sluice.support.Spec;
import dev.sluice.support.WireClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpgradeIT {
    private static final String VERSION = "Sec-WebSocket-Version: 13";

    private static String answer(String path, String... headers) {
        return WireClient.upgradeAnswer(Gateway.shared().port(), path, headers);
    }

    private static String offering(String path, String subProtocols) {
        return answer(path, VERSION, "Sec-WebSocket-Protocol: " + subProtocols);
    }

    private static String status(String answer) {
        return answer.split(" ")[1];
    }

    @Spec(value = "MQTT-6.0.0-4", v311 = "MQTT-6.0.0-4")
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"mqtt | mqtt", "mqttv3.1 | mqttv3.1", "chat, mqtt | mqtt", "mqttv3.1, soap | mqttv3.1"})
    void aSubProtocolOfMqttIsAcceptedAndEchoed(String offered, String echoed) {
        var answer = offering("/mqtt", offered);
        assertThat(status(answer)).isEqualTo("101");
        assertThat(answer.toLowerCase()).contains("\r\nsec-websocket-protocol: " + echoed + "\r\n");
        assertThat(answer.toLowerCase()).doesNotContain("sec-websocket-extensions");
    }

    @Spec(value = "MQTT-6.0.0-3", v311 = "MQTT-6.0.0-3")
    @Test
    void noSubProtocolIsABadRequest() {
        assertThat(status(answer("/mqtt", VERSION))).isEqualTo("400");
    }

    @Spec(value = "MQTT-6.0.0-3", v311 = "MQTT-6.0.0-3")
    @ParameterizedTest
    @ValueSource(strings = {"chat", "MQTT", "mqtt5", "mqttv3.11"})
    void anUnknownSubProtocolAloneIsABadRequest(String offered) {
        assertThat(status(offering("/mqtt", offered))).isEqualTo("400");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Sec-WebSocket-Version: 8", "X-None: 1"})
    void anotherWebSocketVersionIsToldToUpgrade(String version) {
        var answer = answer("/mqtt", version, "Sec-WebSocket-Protocol: mqtt");
        assertThat(status(answer)).isEqualTo("426");
        assertThat(answer.toLowerCase()).contains("\r\nsec-websocket-version: 13\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/mqtt", "/mqtt?token=1", "/devices/a", "/devices/a/b"})
    void theConfiguredPathsAreAccepted(String path) {
        assertThat(status(offering(path, "mqtt"))).isEqualTo("101");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/mqtt/other", "/device", "/q/health"})
    void otherPathsAreNotUpgraded(String path) {
        assertThat(status(offering(path, "mqtt"))).isNotEqualTo("101");
    }

    @Test
    void aSocketWithoutConnectIsClosed() {
        try (var client = Device.socket(ProtocolVersion.V5)) {
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }

    @Test
    void halfAConnectIsClosed() {
        try (var client = Device.socket(ProtocolVersion.V5)) {
            client.send(Frames.binary(new byte[] {0x10, 0x20, 0, 4}));
            assertThat(client.closeStatus()).isEqualTo(1002);
        }
    }
}
