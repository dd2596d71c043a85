package dev.sluice.support;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes as people write them: pairs of hexadecimal digits; {@code "text"} with its length in two bytes before it, as MQTT has strings; {@code 'text'}
 * without; {@code [ … ]} with its length before it as a Variable Byte Integer; {@code <3* … >} three times. Confined to the call.
 */
public final class ByteText {
    private static final Pattern TOKEN = Pattern.compile(
            "\\s*(?:(?<hex>(?:[0-9A-Fa-f]{2})+)|\"(?<text>[^\"]*)\"|'(?<raw>[^']*)'|(?<open>\\[)|<(?<times>\\d+)\\*|(?<close>[\\]>]))\\s*");

    private final Matcher tokens;
    private final String text;

    private ByteText(String text) {
        this.text = text;
        this.tokens = TOKEN.matcher(text);
    }

    public static byte[] parse(String text) {
        var bytes = new ByteText(text).until("");
        return bytes.toByteArray();
    }

    private ByteArrayOutputStream until(String end) {
        var out = new ByteArrayOutputStream();
        while (tokens.regionStart() < text.length()) {
            if (!tokens.lookingAt())
                throw new IllegalArgumentException("not bytes: " + text.substring(tokens.regionStart()));
            var close = tokens.group("close");
            read(out);
            if (end.equals(close)) return out;
        }
        if (!end.isEmpty()) throw new IllegalArgumentException("no " + end + " in " + text);
        return out;
    }

    private void read(ByteArrayOutputStream out) {
        var hex = tokens.group("hex");
        var string = tokens.group("text");
        var raw = tokens.group("raw");
        var times = tokens.group("times");
        var isOpen = tokens.group("open") != null;
        tokens.region(tokens.end(), text.length());
        if (hex != null) {
            out.writeBytes(java.util.HexFormat.of().parseHex(hex));
        } else if (string != null) {
            var utf8 = string.getBytes(StandardCharsets.UTF_8);
            out.write(utf8.length >> 8);
            out.write(utf8.length);
            out.writeBytes(utf8);
        } else if (raw != null) {
            out.writeBytes(raw.getBytes(StandardCharsets.UTF_8));
        } else if (isOpen) {
            var content = until("]").toByteArray();
            writeLength(content.length, out);
            out.writeBytes(content);
        } else if (times != null) {
            var piece = until(">").toByteArray();
            for (int i = Integer.parseInt(times); i > 0; i--) out.writeBytes(piece);
        }
    }

    private static void writeLength(int length, ByteArrayOutputStream out) {
        var rest = length;
        for (; rest > 127; rest >>= 7) out.write(rest & 127 | 128);
        out.write(rest);
    }
}
