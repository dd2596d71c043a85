package dev.sluice.access.secret;

import static dev.sluice.access.secret.Fields.base64;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A password hashed by PBKDF2 (RFC 8018), written as {@code $pbkdf2-sha256$i=<iterations>$<salt>$<hash>}; the hash is as long as one of its
 * function. Immutable.
 *
 * @param function sha256 or sha512
 */
record Pbkdf2(String function, int iterations, byte[] salt, byte[] hash) implements Secret {
    static final String BEGINNING = "$pbkdf2-";
    static final int MOST_ITERATIONS = 5_000_000;
    private static final Pattern TEXT = Pattern.compile("\\$pbkdf2-(sha256|sha512)\\$i=(\\d{1,9})\\$([^$]+)\\$([^$]+)");
    private static final int LEAST_ITERATIONS = 1000;

    static Pbkdf2 of(String function, byte[] password, byte[] salt, int iterations) {
        return new Pbkdf2(function, iterations, salt, derive(hmac(function), password, salt, iterations));
    }

    static Pbkdf2 parse(String text) {
        var parts = Fields.match(TEXT, text, "$pbkdf2-sha256$i=<iterations>$<salt>$<hash>");
        var length = parts.group(1).equals("sha256") ? 32 : 64;
        return new Pbkdf2(
                parts.group(1),
                Fields.within("i", parts.group(2), LEAST_ITERATIONS, MOST_ITERATIONS),
                Fields.bytes("salt", parts.group(3), 8, 64),
                Fields.bytes("hash", parts.group(4), length, length));
    }

    private static String hmac(String function) {
        return "HmacSHA" + function.substring(3);
    }

    /**
     * The first block of PBKDF2, which is also {@code Hi()} of RFC 5802. Java's own takes characters, and a password of MQTT is bytes.
     *
     * @param password not empty
     */
    static byte[] derive(String hmac, byte[] password, byte[] salt, int iterations) {
        try {
            var mac = Mac.getInstance(hmac);
            mac.init(new SecretKeySpec(password, hmac));
            mac.update(salt);
            var round = mac.doFinal(new byte[] {0, 0, 0, 1});
            var sum = round.clone();
            for (int i = 1; i < iterations; i++) {
                mac.update(round);
                mac.doFinal(round, 0);
                for (int k = 0; k < sum.length; k++) sum[k] ^= round[k];
            }
            return sum;
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }

    @Override
    public boolean matches(byte[] password) {
        return MessageDigest.isEqual(hash, derive(hmac(function), password, salt, iterations));
    }

    @Override
    public String text() {
        return cost() + "$" + base64(salt) + "$" + base64(hash);
    }

    @Override
    public String cost() {
        return BEGINNING + function + "$i=" + iterations;
    }

    /** Without the hash. */
    @Override
    public String toString() {
        return cost();
    }
}
