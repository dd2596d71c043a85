package dev.sluice.store;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.Copy;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Messages and copies as tests need them. Stateless. */
public final class Messages {
    private Messages() {}

    public static Message message(String topic, String payload) {
        return new Message(
                TopicName.of(topic),
                QoS.AT_LEAST_ONCE,
                false,
                Properties.NONE,
                payload.getBytes(StandardCharsets.UTF_8),
                Message.NEVER);
    }

    /** One that counts for that many bytes in the bound of a queue. */
    public static Message ofBytes(int bytes) {
        var empty = message("t", "");
        return message("t", "x".repeat(bytes - empty.bytes()));
    }

    /** One that ends that many milliseconds from now, which may be negative. */
    public static Message expiring(String topic, String payload, long millis) {
        var message = message(topic, payload);
        return new Message(
                message.topicName(),
                message.qos(),
                message.retain(),
                message.properties(),
                message.payload(),
                System.currentTimeMillis() + millis);
    }

    public static Copy copy(String clientId) {
        return copy(clientId, QoS.AT_LEAST_ONCE);
    }

    public static Copy copy(String clientId, QoS qos) {
        return new Copy(clientId, Copy.ANY_SESSION, qos, false, List.of(), null);
    }

    public static String text(Message message) {
        return new String(message.payload(), StandardCharsets.UTF_8);
    }
}
