package dev.sluice.access.secret;

import dev.sluice.config.PasswordConfig;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;

/** Makes secrets of passwords as the configuration says, and reads those that were made before. Immutable; any thread may use it. */
public final class Recipe {
    static final int SALT_BYTES = 16;
    private static final int LONGEST_PASSWORD = 1024;

    private final PasswordConfig config;
    private final Scheme standard;
    private final SecureRandom random = new SecureRandom();

    /** @throws IllegalArgumentException for a scheme or a cost that does not exist */
    public Recipe(PasswordConfig config) {
        this.config = config;
        try {
            this.standard = Scheme.of(config.scheme());
            if (standard == Scheme.TOKEN) throw new IllegalArgumentException("token is not a scheme for passwords");
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("sluice.access.password.scheme: " + wrong.getMessage());
        }
        for (var scheme : Scheme.values()) check(scheme);
    }

    /** Reads what it would write, and so knows that the parameters are within their bounds. */
    private void check(Scheme scheme) {
        try {
            var salt = new byte[SALT_BYTES];
            var long_ = new byte[64];
            var short_ = new byte[32];
            switch (scheme) {
                case ARGON2ID ->
                    parse(new Argon2id(
                                    config.argon2MemoryKib(),
                                    config.argon2Iterations(),
                                    config.argon2Parallelism(),
                                    salt,
                                    short_)
                            .text());
                case BCRYPT -> parse("$2b$%02d$%s".formatted(config.bcryptCost(), ".".repeat(53)));
                case PBKDF2_SHA256 -> parse(new Pbkdf2("sha256", config.pbkdf2Iterations(), salt, short_).text());
                case SCRAM_SHA_512 -> parse(new ScramKeys(512, config.scramIterations(), salt, long_, long_).text());
                default -> {}
            }
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("sluice.access.password: " + scheme.text() + ": " + wrong.getMessage());
        }
    }

    /** The scheme of passwords for which none is named. */
    public Scheme standard() {
        return standard;
    }

    public int scramIterations() {
        return config.scramIterations();
    }

    /** A new machine token. */
    public String token() {
        return MachineToken.random(random);
    }

    public Secret hashToken(String token) {
        return hash(Scheme.TOKEN, token.getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Computes as long as the scheme takes.
     *
     * @throws IllegalArgumentException saying what is wrong with the password
     */
    public Secret hash(Scheme scheme, byte[] password) {
        if (password.length == 0) throw new IllegalArgumentException("is empty");
        if (password.length > LONGEST_PASSWORD)
            throw new IllegalArgumentException("has " + password.length + " bytes, more than " + LONGEST_PASSWORD);
        if (MachineToken.looksLike(password) != (scheme == Scheme.TOKEN))
            throw new IllegalArgumentException(
                    scheme == Scheme.TOKEN ? "is not a machine token" : "looks like a machine token");
        var salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        return switch (scheme) {
            case ARGON2ID ->
                Argon2id.of(
                        password,
                        salt,
                        config.argon2MemoryKib(),
                        config.argon2Iterations(),
                        config.argon2Parallelism());
            case BCRYPT -> Bcrypt.of(password, salt, config.bcryptCost());
            case PBKDF2_SHA256 -> Pbkdf2.of("sha256", password, salt, config.pbkdf2Iterations());
            case PBKDF2_SHA512 -> Pbkdf2.of("sha512", password, salt, config.pbkdf2Iterations());
            case TOKEN -> MachineToken.of(password, salt);
            case SCRAM_SHA_256 -> ScramKeys.of(256, password, salt, config.scramIterations());
            case SCRAM_SHA_512 -> ScramKeys.of(512, password, salt, config.scramIterations());
        };
    }

    /**
     * Reads a hashed secret.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public static Secret parse(String text) {
        if (text.startsWith(Argon2id.BEGINNING)) return Argon2id.parse(text);
        if (text.startsWith(Bcrypt.BEGINNING)) return Bcrypt.parse(text);
        if (text.startsWith(Pbkdf2.BEGINNING)) return Pbkdf2.parse(text);
        if (text.startsWith(MachineToken.BEGINNING)) return MachineToken.parse(text);
        if (text.startsWith(ScramKeys.BEGINNING)) return ScramKeys.parse(text);
        throw new IllegalArgumentException("begins like no scheme that is known");
    }
}
