package dev.sluice.packet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageTest {
    private static Message message(Properties properties) {
        return new Message(TopicName.of("topic"), QoS.AT_MOST_ONCE, false, properties, new byte[100], Message.NEVER);
    }

    private static Properties userProperties(int count, String name, String value) {
        var all = new ArrayList<UserProperty>();
        for (int i = 0; i < count; i++) all.add(new UserProperty(new String(name), new String(value)));
        return Properties.of(new EnumMap<>(Property.class), all, List.of());
    }

    @Test
    void weighsTopicPayloadAndAConstant() {
        assertThat(message(Properties.NONE).bytes()).isEqualTo(5 + 100 + 64);
    }

    @Test
    void propertiesWeighWhatTheyTakeOnTheHeap() {
        assertThat(message(userProperties(1000, "", "")).bytes()).isBetween(76_000, 130_000);
        assertThat(message(userProperties(1, "name", "ü".repeat(1000))).bytes()).isBetween(1200, 2000);
        assertThat(message(userProperties(1, "name", "Ā".repeat(1000))).bytes()).isBetween(2200, 3000);
        assertThat(message(Properties.NONE.with(Property.CORRELATION_DATA, new byte[5000]))
                        .bytes())
                .isBetween(5200, 5800);
    }

    @Test
    void onlyFewAndShortPropertiesAreSmall() {
        assertThat(userProperties(4, "traceparent", "0".repeat(55)).areSmall()).isTrue();
        assertThat(userProperties(64, "", "").areSmall()).isFalse();
    }
}
