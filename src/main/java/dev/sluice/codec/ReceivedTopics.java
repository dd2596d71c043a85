package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.TOPIC_NAME_INVALID;

import dev.sluice.topic.TopicName;
import java.nio.ByteBuffer;

/**
 * Owns the last Topic Names of one connection, so that a device that publishes to the same few names costs neither a
 * check nor an allocation for them. Confined to its connection's event loop.
 */
final class ReceivedTopics {
    private static final int REMEMBERED = 4;
    private static final int LONGEST_REMEMBERED = 256;

    private final TopicName[] names = new TopicName[REMEMBERED];
    private int oldest;

    /** Reads a name that is well-formed and has no wildcard [MQTT-3.3.2-2]; it may be empty. */
    TopicName read(ByteBuffer in) {
        var length = Wire.twoBytes(in);
        Wire.need(in, length);
        if (length == 0) return TopicName.EMPTY;
        for (var name : names) {
            if (name == null) break;
            if (Wire.isNext(in, name.utf8(), length)) {
                in.position(in.position() + length);
                return name;
            }
        }
        var name = checked(Wire.bytes(in, length));
        if (length > LONGEST_REMEMBERED) return name;
        names[oldest] = name;
        oldest = (oldest + 1) % REMEMBERED;
        return name;
    }

    static TopicName checked(byte[] utf8) {
        Wire.checkText(utf8);
        for (byte b : utf8) {
            if (b == '+' || b == '#') throw new MqttFault(TOPIC_NAME_INVALID, "wildcard in topic name");
        }
        return TopicName.ofUtf8(utf8);
    }
}
