package dev.sluice.session;

import dev.sluice.packet.Packet;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * By what a repeat of a QoS 2 PUBLISH is told from another message under its packet identifier: a note that is stored with the identifier until
 * PUBREL. Stateless; any thread may call.
 */
public final class Repeat {
    private static final HexFormat HEX = HexFormat.of();
    private static final int DIGITS = 8;
    /** That of a note which an earlier version has written. */
    static final long UNKNOWN = -1;

    private Repeat() {}

    /** @param messageId its mqtt-message-id in Kafka, null without one */
    public static String note(String messageId, Packet.Publish publish) {
        return (messageId == null ? "" : messageId) + ' ' + HEX.toHexDigits((int) checksum(publish));
    }

    /** CRC-32C of topic name and payload. */
    static long checksum(Packet.Publish publish) {
        var sum = new CRC32C();
        sum.update(publish.topicName().utf8());
        sum.update(0);
        sum.update(publish.payload());
        return sum.getValue();
    }

    static long checksum(String note) {
        var begin = note == null ? -1 : note.lastIndexOf(' ') + 1;
        if (begin <= 0 || note.length() - begin != DIGITS) return UNKNOWN;
        for (int i = begin; i < note.length(); i++) if (!HexFormat.isHexDigit(note.charAt(i))) return UNKNOWN;
        return HexFormat.fromHexDigitsToLong(note, begin, note.length());
    }
}
