package dev.sluice.admin;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;

/** What tokens in PostgreSQL look like: {@code sla_} and 256 random bits in Base64 for URLs. Stateless. */
final class AdminTokens {
    private static final String PREFIX = "sla_";
    private static final int RANDOM_BYTES = 32;
    private static final int LENGTH = PREFIX.length() + 43;

    private AdminTokens() {}

    static String random() {
        var bytes = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(bytes);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static boolean looksLikeToken(byte[] bearer) {
        return bearer.length == LENGTH && new String(bearer, StandardCharsets.ISO_8859_1).startsWith(PREFIX);
    }

    /** Neither salted nor stretched: nobody guesses 256 bits. */
    static byte[] hash(byte[] bearer) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bearer);
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException(missing);
        }
    }
}
