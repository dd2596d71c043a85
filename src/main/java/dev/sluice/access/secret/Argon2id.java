package dev.sluice.access.secret;

import static dev.sluice.access.secret.Fields.base64;
import static dev.sluice.access.secret.Fields.bytes;
import static dev.sluice.access.secret.Fields.within;

import java.lang.ref.SoftReference;
import java.security.MessageDigest;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator.BlockPool;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator.FixedBlockPool;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * A password hashed by Argon2id (RFC 9106), written as {@code $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>}. Immutable.
 *
 * @param memory KiB
 */
record Argon2id(int memory, int iterations, int parallelism, byte[] salt, byte[] hash) implements Secret {
    static final String BEGINNING = "$argon2id$";
    private static final Pattern TEXT =
            Pattern.compile("\\$argon2id\\$v=19\\$m=(\\d{1,9}),t=(\\d{1,9}),p=(\\d{1,9})\\$([^$]+)\\$([^$]+)");
    private static final int LARGEST_MEMORY = 262_144;
    private static final int MOST_ITERATIONS = 64;
    /** KiB that all passes together go over: one pass over 1 GiB takes a core about two seconds, and nothing interrupts it. */
    private static final long MOST_WORK = 1_048_576;

    private static final int MOST_LANES = 16;
    private static final int LENGTH = 32;

    /** Blocks of one KiB that a thread keeps from one hash to the next. */
    private static final int BLOCKS = 32_768;

    /**
     * As long as nothing else needs the memory. Without them, each hash makes as many blocks as its memory has, which are alive until it is
     * done: a storm of logins keeps the collector busy with copying them, and everybody waits for that.
     */
    private static final ThreadLocal<SoftReference<BlockPool>> POOL = new ThreadLocal<>();

    private static BlockPool blocks() {
        var kept = POOL.get() == null ? null : POOL.get().get();
        if (kept != null) return kept;
        var made = new FixedBlockPool(BLOCKS);
        POOL.set(new SoftReference<>(made));
        return made;
    }

    static Argon2id of(byte[] password, byte[] salt, int memory, int iterations, int parallelism) {
        return new Argon2id(
                memory, iterations, parallelism, salt, hash(password, salt, memory, iterations, parallelism, LENGTH));
    }

    static Argon2id parse(String text) {
        var parts = Fields.match(TEXT, text, "$argon2id$v=19$m=...,t=...,p=...$<salt>$<hash>");
        var memory = within("m", parts.group(1), 8, LARGEST_MEMORY);
        var iterations = within("t", parts.group(2), 1, MOST_ITERATIONS);
        if ((long) memory * iterations > MOST_WORK)
            throw new IllegalArgumentException("m=" + memory + " and t=" + iterations + " are "
                    + (long) memory * iterations + " KiB to go over, more than " + MOST_WORK
                    + ": use less memory, or fewer passes");
        return new Argon2id(
                memory,
                iterations,
                within("p", parts.group(3), 1, MOST_LANES),
                bytes("salt", parts.group(4), 8, 64),
                bytes("hash", parts.group(5), 16, 64));
    }

    @Override
    public boolean matches(byte[] password) {
        return MessageDigest.isEqual(hash, hash(password, salt, memory, iterations, parallelism, hash.length));
    }

    private static byte[] hash(byte[] password, byte[] salt, int memory, int iterations, int parallelism, int length) {
        var generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(memory)
                .withIterations(iterations)
                .withParallelism(parallelism)
                .withSalt(salt)
                .withBlockPool(blocks())
                .build());
        var hash = new byte[length];
        generator.generateBytes(password, hash);
        return hash;
    }

    @Override
    public String text() {
        return cost() + "$" + base64(salt) + "$" + base64(hash);
    }

    @Override
    public String cost() {
        return BEGINNING + "v=19$m=" + memory + ",t=" + iterations + ",p=" + parallelism;
    }

    /** Without the hash. */
    @Override
    public String toString() {
        return cost();
    }
}
