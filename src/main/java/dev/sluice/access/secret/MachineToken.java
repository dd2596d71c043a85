package dev.sluice.access.secret;

import static dev.sluice.access.secret.Fields.base64;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/**
 * A random token for a machine, hashed by one salted SHA-256 and written as {@code $token$<salt>$<hash>}; the token itself is
 * {@code slt_} and 256 random bits in Base64 for URLs. Immutable.
 */
public record MachineToken(byte[] salt, byte[] hash) implements Secret {
    static final String BEGINNING = "$token$";
    private static final Pattern TEXT = Pattern.compile("\\$token\\$([^$]+)\\$([^$]+)");
    private static final byte[] PREFIX = "slt_".getBytes(StandardCharsets.US_ASCII);
    private static final int RANDOM_BYTES = 32;
    private static final int LENGTH = PREFIX.length + 43;
    private static final int HASH_BYTES = 32;

    /** A new token, which nobody keeps. */
    static String random(SecureRandom random) {
        var bytes = new byte[RANDOM_BYTES];
        random.nextBytes(bytes);
        return new String(PREFIX, StandardCharsets.US_ASCII)
                + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Whether a password looks like a token; what looks like one is checked as one only, so that the time says nothing of the user. */
    public static boolean looksLike(byte[] password) {
        if (password.length != LENGTH) return false;
        for (int i = 0; i < PREFIX.length; i++) if (password[i] != PREFIX[i]) return false;
        for (int i = PREFIX.length; i < LENGTH; i++)
            if (!(password[i] >= '0' && password[i] <= '9'
                    || password[i] >= 'A' && password[i] <= 'Z'
                    || password[i] >= 'a' && password[i] <= 'z'
                    || password[i] == '-'
                    || password[i] == '_')) return false;
        return true;
    }

    static MachineToken of(byte[] token, byte[] salt) {
        return new MachineToken(salt, hash(token, salt));
    }

    static MachineToken parse(String text) {
        var parts = Fields.match(TEXT, text, "$token$<salt>$<hash>");
        return new MachineToken(
                Fields.bytes("salt", parts.group(1), 8, 64),
                Fields.bytes("hash", parts.group(2), HASH_BYTES, HASH_BYTES));
    }

    private static byte[] hash(byte[] token, byte[] salt) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(salt);
            return digest.digest(token);
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException(missing);
        }
    }

    @Override
    public boolean matches(byte[] password) {
        return MessageDigest.isEqual(hash, hash(password, salt));
    }

    @Override
    public String text() {
        return BEGINNING + base64(salt) + "$" + base64(hash);
    }

    @Override
    public String cost() {
        return BEGINNING;
    }

    /** Without the hash. */
    @Override
    public String toString() {
        return cost();
    }
}
