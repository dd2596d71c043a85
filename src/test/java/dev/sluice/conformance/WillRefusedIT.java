package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A will that could never be published: its client hears of it while it can do something about it. */
class WillRefusedIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private static Packet.Connect connect(ProtocolVersion version, String topic, String text) {
        var payload = text.getBytes(StandardCharsets.UTF_8);
        var will = new Will(TopicName.of(topic), QoS.AT_LEAST_ONCE, false, Properties.NONE, payload);
        return Device.connect(version, Device.id("mortal"), will, Properties.NONE);
    }

    @ParameterizedTest
    @CsvSource({
        "nowhere,            x,                  TOPIC_NAME_INVALID",
        "device/b d,         x,                  TOPIC_NAME_INVALID",
        "$SYS/broker,        x,                  TOPIC_NAME_INVALID",
        "refuse/bounded,     more than ten bytes, QUOTA_EXCEEDED",
        "letter/bounded,     more than ten bytes, QUOTA_EXCEEDED",
        "refuse/agreed,      {},                 PAYLOAD_FORMAT_INVALID",
        "letter/agreed,      {},                 PAYLOAD_FORMAT_INVALID"
    })
    void aWillThatCouldNeverBePublishedIsRefused(String topic, String text, ReasonCode reason) {
        for (var version : ProtocolVersion.values()) {
            try (var client = Device.socket(version)) {
                var answer = client.connect(connect(version, topic, text)).receive(Packet.ConnAck.class);
                // As it is read off the wire: of MQTT 3's codes, that for "not authorized".
                assertThat(answer.reason()).isEqualTo(version.isV5() ? reason : ReasonCode.NOT_AUTHORIZED);
                if (version.isV5())
                    assertThat(answer.properties().text(Property.REASON_STRING)).startsWith("Will: ");
                client.closeStatus();
            }
        }
        assertThat(Gateway.shared().query("SELECT count(*) FROM will WHERE topic = ?", topic))
                .isEqualTo("0");
    }

    @Test
    void aWillThatKeepsTheContractIsTaken() {
        Peer.connect(connect(V5, "refuse/agreed", "{\"speed\":1}")).leave();
    }
}
