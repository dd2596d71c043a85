package dev.sluice.access.secret;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a secret is hashed; the configuration, the admin API and PostgreSQL have these names in small letters, with hyphens. */
public enum Scheme {
    ARGON2ID,
    BCRYPT,
    PBKDF2_SHA256,
    PBKDF2_SHA512,
    /** A random token, of which the gateway makes 256 bits: stretching it would buy nothing. */
    TOKEN,
    SCRAM_SHA_256,
    SCRAM_SHA_512;

    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws IllegalArgumentException naming those that there are */
    public static Scheme of(String text) {
        for (var scheme : values()) if (scheme.text().equals(text)) return scheme;
        throw new IllegalArgumentException("\"" + text + "\" is not one of "
                + Arrays.stream(values()).map(Scheme::text).collect(Collectors.joining(", ")));
    }
}
