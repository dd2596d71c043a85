package dev.sluice.access.credential;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what a client says in SCRAM (RFC 5802, section 7). Stateless. */
final class ScramMessages {
    private static final int LONGEST = 8192;
    private static final Pattern FIRST = Pattern.compile(
            "(?<gs2>(?<binding>[ny]|p=[A-Za-z0-9.-]+),(?:a=(?<authzid>[^,]+))?,)"
                    + "(?<bare>n=(?<name>[^,]+),r=(?<nonce>[\\x21-\\x2b\\x2d-\\x7e]+)(?:,.*)?)",
            Pattern.DOTALL);
    private static final Pattern FINAL = Pattern.compile(
            "(?<unproved>c=(?<binding>[A-Za-z0-9+/=]+),r=(?<nonce>[\\x21-\\x2b\\x2d-\\x7e]+)(?:,[A-OQ-Za-oq-z]=[^,]*+)*+),p=(?<proof>[A-Za-z0-9+/=]+)");

    private ScramMessages() {}

    /**
     * The client's first message.
     *
     * @param gs2 its header
     * @param bare the rest of it
     */
    record First(String gs2, String bare, String username, String authorizationId, String nonce) {}

    /**
     * The client's second message.
     *
     * @param unproved the part before the proof
     * @param gs2 the header that it repeats
     */
    record Final(String unproved, String gs2, String nonce, byte[] proof) {}

    /** @throws IllegalArgumentException saying what is wrong with it */
    static First first(byte[] data) {
        var message = match(FIRST, data, "n,,n=<user>,r=<nonce>");
        if (message.group("binding").startsWith("p"))
            throw new IllegalArgumentException("it asks for channel binding, which is not offered");
        var authorizationId = message.group("authzid");
        return new First(
                message.group("gs2"),
                message.group("bare"),
                name(message.group("name")),
                authorizationId == null ? null : name(authorizationId),
                message.group("nonce"));
    }

    /** @throws IllegalArgumentException saying what is wrong with it */
    static Final last(byte[] data) {
        var message = match(FINAL, data, "c=<header>,r=<nonce>,p=<proof>");
        return new Final(
                message.group("unproved"),
                new String(base64(message.group("binding")), StandardCharsets.UTF_8),
                message.group("nonce"),
                base64(message.group("proof")));
    }

    private static Matcher match(Pattern pattern, byte[] data, String form) {
        if (data == null || data.length > LONGEST)
            throw new IllegalArgumentException(data == null ? "there is no data" : "it has " + data.length + " bytes");
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data));
            var message = pattern.matcher(text);
            if (message.matches()) return message;
        } catch (CharacterCodingException _) {
            throw new IllegalArgumentException("it is not UTF-8");
        }
        throw new IllegalArgumentException("it is not of the form " + form);
    }

    /** A comma is written as =2C, and an equals sign as =3D. */
    private static String name(String text) {
        if (text.replace("=2C", "").replace("=3D", "").indexOf('=') >= 0)
            throw new IllegalArgumentException("its user name has an equals sign that is none of =2C or =3D");
        return text.replace("=2C", ",").replace("=3D", "=");
    }

    private static byte[] base64(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException _) {
            throw new IllegalArgumentException("it has what is not Base64");
        }
    }
}
