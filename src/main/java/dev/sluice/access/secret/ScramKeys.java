package dev.sluice.access.secret;

import com.ongres.saslprep.SASLprep;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What a server keeps of a password for SCRAM (RFC 5802), written as PostgreSQL does:
 * {@code SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>}. It serves for plain passwords as well. Immutable.
 *
 * @param function 256 or 512, of SHA-2
 */
public record ScramKeys(int function, int iterations, byte[] salt, byte[] storedKey, byte[] serverKey)
        implements Secret {
    static final String BEGINNING = "SCRAM-SHA-";
    private static final SASLprep PREPARATION = new SASLprep();
    private static final int LEAST_ITERATIONS = 4096;
    private static final Pattern TEXT =
            Pattern.compile("SCRAM-SHA-(256|512)\\$(\\d{1,9}):([^$:]+)\\$([^$:]+):([^$:]+)");

    public static ScramKeys of(int function, byte[] password, byte[] salt, int iterations) {
        var hmac = "HmacSHA" + function;
        var salted = Pbkdf2.derive(hmac, prepared(password), salt, iterations);
        var clientKey = mac(hmac, salted, ascii("Client Key"));
        return new ScramKeys(
                function, iterations, salt, digest(function, clientKey), mac(hmac, salted, ascii("Server Key")));
    }

    static ScramKeys parse(String text) {
        var parts = Fields.match(TEXT, text, "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>");
        var function = Integer.parseInt(parts.group(1));
        var length = function / Byte.SIZE;
        return new ScramKeys(
                function,
                Fields.within("the number of iterations", parts.group(2), LEAST_ITERATIONS, Pbkdf2.MOST_ITERATIONS),
                Fields.bytes("salt", parts.group(3), 8, 64),
                Fields.bytes("StoredKey", parts.group(4), length, length),
                Fields.bytes("ServerKey", parts.group(5), length, length));
    }

    /** As the client prepares it (RFC 4013); what cannot be prepared is taken as it is, as clients do. */
    private static byte[] prepared(byte[] password) {
        try {
            var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(password));
            var prepared = PREPARATION.prepareStored(text.toString());
            return prepared.isEmpty() ? password : prepared.getBytes(StandardCharsets.UTF_8);
        } catch (CharacterCodingException | IllegalArgumentException _) {
            return password;
        }
    }

    @Override
    public boolean matches(byte[] password) {
        return MessageDigest.isEqual(storedKey, of(function, password, salt, iterations).storedKey);
    }

    /**
     * Whether a proof is the client's, whatever its length.
     *
     * @param authMessage as RFC 5802 defines AuthMessage
     */
    public boolean proves(byte[] proof, byte[] authMessage) {
        var clientKey = mac("HmacSHA" + function, storedKey, authMessage);
        for (int i = 0; i < clientKey.length; i++) clientKey[i] ^= i < proof.length ? proof[i] : 0;
        return MessageDigest.isEqual(storedKey, digest(function, clientKey)) & proof.length == storedKey.length;
    }

    /** ServerSignature, by which the client knows the server. */
    public byte[] signature(byte[] authMessage) {
        return mac("HmacSHA" + function, serverKey, authMessage);
    }

    /**
     * The keys of a user that does not exist: the same each time, and never right.
     *
     * @param secret of all gateways
     */
    public static ScramKeys ofNobody(int function, int iterations, byte[] secret, String username) {
        var hmac = "HmacSHA" + function;
        var name = username.getBytes(StandardCharsets.UTF_8);
        return new ScramKeys(
                function,
                iterations,
                Arrays.copyOf(mac(hmac, secret, ascii("salt"), name), Recipe.SALT_BYTES),
                mac(hmac, secret, ascii("stored"), name),
                mac(hmac, secret, ascii("server"), name));
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] mac(String hmac, byte[] key, byte[]... data) {
        try {
            var mac = Mac.getInstance(hmac);
            mac.init(new SecretKeySpec(key, hmac));
            for (var part : data) mac.update(part);
            return mac.doFinal();
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }

    private static byte[] digest(int function, byte[] data) {
        try {
            return MessageDigest.getInstance("SHA-" + function).digest(data);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }

    @Override
    public String text() {
        var base64 = Base64.getEncoder();
        return cost() + ":" + base64.encodeToString(salt) + "$" + base64.encodeToString(storedKey) + ":"
                + base64.encodeToString(serverKey);
    }

    @Override
    public String cost() {
        return BEGINNING + function + "$" + iterations;
    }

    /** Without the keys. */
    @Override
    public String toString() {
        return cost();
    }
}
