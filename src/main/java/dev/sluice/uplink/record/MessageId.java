package dev.sluice.uplink.record;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import dev.sluice.packet.Packet;
import java.nio.charset.StandardCharsets;

/**
 * The value of `mqtt-message-id`: a hash of what a client repeats when it sends a message again (client identifier, packet
 * identifier, topic, payload), so that a repeat carries it, too, after a reconnect, a take-over or a crash, without a
 * write per message. Stateless.
 */
public final class MessageId {
    private static final Hasher64 HASHER = Hashing.xxh3_64();
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private MessageId() {}

    public static long hashOf(String text) {
        return HASHER.hashBytesToLong(text.getBytes(StandardCharsets.UTF_8));
    }

    /** 20 hexadecimal digits: 4 of the packet identifier, 16 of the hash. */
    public static byte[] of(long clientHash, Packet.Publish publish) {
        var hash = HASHER.hashLongLongLongToLong(
                clientHash,
                HASHER.hashBytesToLong(publish.topicName().utf8()),
                HASHER.hashBytesToLong(publish.payload()));
        var digits = new byte[20];
        hex(publish.packetId(), digits, 0, 4);
        hex(hash, digits, 4, 16);
        return digits;
    }

    private static void hex(long value, byte[] digits, int from, int count) {
        var rest = value;
        for (int i = from + count - 1; i >= from; i--) {
            digits[i] = HEX[(int) (rest & 0xF)];
            rest >>>= 4;
        }
    }
}
