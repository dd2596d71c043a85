package dev.sluice.codec;

/** Owns the rules for UTF-8: of the strings in packets (section 1.5.4), and of payloads (section 3.3.2.3.2). Stateless. */
public final class Utf8 {
    private Utf8() {}

    /** Returns whether the bytes may be a payload of text: well-formed. */
    public static boolean isWellFormed(byte[] bytes) {
        return isWellFormed(bytes, 0);
    }

    /** Returns whether the bytes may be a UTF-8 Encoded String: well-formed and without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
    public static boolean isString(byte[] bytes) {
        return isWellFormed(bytes, 1);
    }

    /** @param lowest the first ASCII character allowed: 0, or 1 */
    private static boolean isWellFormed(byte[] bytes, int lowest) {
        var i = 0;
        while (i < bytes.length && bytes[i] >= lowest) i++;
        while (i < bytes.length) {
            if (bytes[i] == 0 && lowest > 0) return false;
            var length = sequenceLength(bytes, i);
            if (length == 0) return false;
            i += length;
        }
        return true;
    }

    /** The bytes that {@code text.getBytes(UTF_8)} would have; an unpaired surrogate becomes one question mark. */
    static int length(String text) {
        var length = text.length();
        for (int i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c < 0x80) continue;
            if (c < 0x800) {
                length++;
            } else if (!Character.isSurrogate(c)) {
                length += 2;
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                length += 2;
                i++;
            }
        }
        return length;
    }

    /** The length of the well-formed character at the index by table 3-7 of the Unicode standard, or 0. */
    private static int sequenceLength(byte[] bytes, int i) {
        var lead = bytes[i] & 0xFF;
        if (lead < 0x80) return 1;
        if (lead >= 0xC2 && lead <= 0xDF) return isTail(bytes, i + 1) ? 2 : 0;
        if (lead >= 0xE0 && lead <= 0xEF) return isThree(lead, bytes, i) ? 3 : 0;
        return lead >= 0xF0 && lead <= 0xF4 && isFour(lead, bytes, i) ? 4 : 0;
    }

    private static boolean isThree(int lead, byte[] bytes, int i) {
        var lowest = lead == 0xE0 ? 0xA0 : 0x80;
        var highest = lead == 0xED ? 0x9F : 0xBF;
        return isBetween(bytes, i + 1, lowest, highest) && isTail(bytes, i + 2);
    }

    private static boolean isFour(int lead, byte[] bytes, int i) {
        var lowest = lead == 0xF0 ? 0x90 : 0x80;
        var highest = lead == 0xF4 ? 0x8F : 0xBF;
        return isBetween(bytes, i + 1, lowest, highest) && isTail(bytes, i + 2) && isTail(bytes, i + 3);
    }

    private static boolean isTail(byte[] bytes, int i) {
        return isBetween(bytes, i, 0x80, 0xBF);
    }

    private static boolean isBetween(byte[] bytes, int i, int lowest, int highest) {
        return i < bytes.length && (bytes[i] & 0xFF) >= lowest && (bytes[i] & 0xFF) <= highest;
    }
}
