package dev.sluice.support;

import dev.sluice.config.PasswordConfig;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** Keys of passwords as a test sets them; hashes are as cheap as the bounds allow. Stateless. */
public final class PasswordKeys {
    private static final String PREFIX = "sluice.access.password.";
    private static final Map<String, String> CHEAP = Map.of(
            PREFIX + "argon2-memory-kib", "1024",
            PREFIX + "argon2-iterations", "1",
            PREFIX + "bcrypt-cost", "4",
            PREFIX + "pbkdf2-iterations", "1000");

    private PasswordKeys() {}

    /** @param keys without the prefix; the others have their defaults */
    public static PasswordConfig config(Map<String, String> keys) {
        var all = new HashMap<>(CHEAP);
        keys.forEach((key, value) -> all.put(PREFIX + key, value));
        return new SmallRyeConfigBuilder()
                .withConverter(Duration.class, 200, new DurationConverter())
                .withMapping(PasswordConfig.class)
                .withDefaultValues(all)
                .build()
                .getConfigMapping(PasswordConfig.class);
    }
}
