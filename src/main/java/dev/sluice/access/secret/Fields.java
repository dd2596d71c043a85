package dev.sluice.access.secret;

import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads and writes the parts of hashed secrets: numbers within bounds, and Base64 with or without padding. Stateless. */
final class Fields {
    private Fields() {}

    static Matcher match(Pattern pattern, String text, String form) {
        var matcher = pattern.matcher(text);
        if (!matcher.matches()) throw new IllegalArgumentException("is not of the form " + form);
        return matcher;
    }

    /** A number that bounds what a check may cost. */
    static int within(String name, String digits, int least, int most) {
        var number = Long.parseLong(digits);
        if (number < least || number > most)
            throw new IllegalArgumentException(name + " is " + digits + ", not within " + least + " and " + most);
        return (int) number;
    }

    static byte[] bytes(String name, String base64, int least, int most) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(base64.replaceAll("=+$", ""));
        } catch (IllegalArgumentException _) {
            throw new IllegalArgumentException(name + " is not Base64");
        }
        if (bytes.length < least || bytes.length > most)
            throw new IllegalArgumentException(
                    name + " has " + bytes.length + " bytes, not between " + least + " and " + most);
        return bytes;
    }

    /** Without padding, as in hashes of the PHC string format. */
    static String base64(byte[] bytes) {
        return Base64.getEncoder().withoutPadding().encodeToString(bytes);
    }
}
