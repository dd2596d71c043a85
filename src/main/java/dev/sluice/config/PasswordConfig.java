package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** How passwords are hashed and checked. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.access.password")
public interface PasswordConfig {
    /** How new passwords are hashed, and how long the check of an unknown user takes. Default argon2id. */
    @WithDefault("argon2id")
    String scheme();

    /** Memory of one hash, KiB. Default 19,456. */
    @WithDefault("19456")
    int argon2MemoryKib();

    /** Passes over that memory. Default 2. */
    @WithDefault("2")
    int argon2Iterations();

    /** Lanes of that memory; they are computed one after the other. Default 1. */
    @WithDefault("1")
    int argon2Parallelism();

    /** Binary logarithm of the rounds. Default 10. */
    @WithDefault("10")
    int bcryptCost();

    /** Default 600,000. */
    @WithDefault("600000")
    int pbkdf2Iterations();

    /** What a client has to compute; the gateway does so only for a plain password. Default 4096. */
    @WithDefault("4096")
    int scramIterations();

    /** Threads that hash; 0 for one fewer than there are cores, at least one. Default 0. */
    @WithDefault("0")
    int threads();

    /** Niceness of these threads on Linux, 0 to 19. Default 10. */
    @WithDefault("10")
    int nice();

    /** Passwords that may wait for such a thread, if they can be hashed in time; a further client is refused with 0x89. Default 5000. */
    @WithDefault("5000")
    int queue();

    /** How long a verified password is not hashed again. 0 for never. Default 5 min. */
    @WithDefault("5m")
    Duration cacheTime();

    /** Verified passwords that are known at a time; the one that was used longest ago is forgotten. Default 100,000. */
    @WithDefault("100000")
    int cacheSize();

    /** Failures in a row that an address may have before the next attempts from it are delayed. Default 5. */
    @WithDefault("5")
    int freeFailures();

    /** Failures of one user name from which on an address that has failed has no free failure for it. Default 20. */
    @WithDefault("20")
    int nameFailures();

    /** The first delay of an attempt; it doubles with each further failure. Default 250 ms. */
    @WithDefault("250ms")
    Duration delay();

    /** The longest delay. Default 5 s. */
    @WithDefault("5s")
    Duration delayMaximum();

    /** Time in which the number of failures of an address or a name halves. Default 1 min. */
    @WithDefault("1m")
    Duration forgetTime();

    /** Attempts of one address that may be delayed at a time; a further one is refused with 0x9F. Default 20. */
    @WithDefault("20")
    int delayedPerAddress();

    /** Attempts of all clients that may be delayed at a time; a further one is refused with 0x9F. Default 1000. */
    @WithDefault("1000")
    int delayedMaximum();

    /** Addresses, and names, whose failures are known, and pairs of both that have succeeded; the oldest is forgotten. Default 50,000. */
    @WithDefault("50000")
    int remembered();
}
