package dev.sluice.store;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MessageProperties;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * How messages are rows: no properties are null, and what crosses over between the gateway and PostgreSQL is how long a message has left,
 * never a point in time. So each judges by its own clock alone, and it does not matter how far these are apart. Stateless.
 */
public final class StoredMessage {
    /** Turns the milliseconds that are left, a parameter or column, into a timestamptz; null stays null. */
    public static final String TIME = "now() + %s * interval '1 millisecond'";
    /** Turns a timestamptz into the milliseconds that are left. */
    public static final String MILLIS_LEFT = "(extract(epoch FROM %s - clock_timestamp()) * 1000)::bigint";

    /**
     * What a row of {@code queued}, here r, with its row of {@code message}, here m, may weigh on the heap: a User Property of five bytes
     * becomes objects of 116. Rows of earlier versions have a column {@code bytes} that leaves properties out.
     */
    public static final String WEIGHT = """
            r.bytes::bigint + CASE
                WHEN r.bytes > 64 + coalesce(octet_length(r.topic), octet_length(m.topic))
                    + coalesce(octet_length(r.payload), octet_length(m.payload)) THEN 0
                ELSE 24 * coalesce(octet_length(r.properties), octet_length(m.properties), 0) END""";

    private StoredMessage() {}

    public static byte[] properties(Properties properties) {
        return properties.isEmpty() ? null : MessageProperties.write(properties);
    }

    public static Properties properties(byte[] stored) {
        return properties(stored, InputBounds.NONE);
    }

    /** Those that are above the bounds come with their {@link Properties#excess}. */
    public static Properties properties(byte[] stored, InputBounds bounds) {
        return stored == null ? Properties.NONE : MessageProperties.read(stored, bounds);
    }

    /** Negative if it has expired; null if it never does. */
    public static Long millisLeft(Message message) {
        return message.expiresAt() == Message.NEVER ? null : message.expiresAt() - System.currentTimeMillis();
    }

    /** From the columns topic, message_qos, message_retain, properties, payload and millis_left. */
    public static Message read(ResultSet row) throws SQLException {
        return read(row, InputBounds.NONE);
    }

    /** The same; properties that are above the bounds come with their {@link Properties#excess}. */
    public static Message read(ResultSet row, InputBounds bounds) throws SQLException {
        var left = row.getLong("millis_left");
        var never = row.wasNull();
        return new Message(
                TopicName.of(row.getString("topic")),
                QoS.of(row.getInt("message_qos")),
                row.getBoolean("message_retain"),
                properties(row.getBytes("properties"), bounds),
                row.getBytes("payload"),
                never ? Message.NEVER : System.currentTimeMillis() + left);
    }
}
