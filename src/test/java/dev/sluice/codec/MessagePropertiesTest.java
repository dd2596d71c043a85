package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MessagePropertiesTest {
    @Test
    void whatIsWrittenIsReadBack() {
        var random = new RandomProperties(new Random(3), ProtocolVersion.V5, false);
        for (int i = 0; i < 2000; i++) {
            var properties = random.in(i % 2 == 0 ? PropertyPlace.WILL : PropertyPlace.PUBLISH)
                    .without(Property.TOPIC_ALIAS);
            assertThat(MessageProperties.read(MessageProperties.write(properties), InputBounds.NONE))
                    .isEqualTo(properties);
        }
    }

    @Test
    void nothingIsOneByte() {
        assertThat(MessageProperties.write(Properties.NONE)).containsExactly(0);
        assertThat(MessageProperties.read(new byte[1], InputBounds.NONE)).isSameAs(Properties.NONE);
    }

    @Test
    void aTopicAliasIsNoPropertyOfAMessage() {
        var bytes = MessageProperties.write(Properties.NONE.with(Property.TOPIC_ALIAS, 1));
        assertThatThrownBy(() -> MessageProperties.read(bytes, InputBounds.NONE))
                .isInstanceOf(MqttFault.class);
    }
}
