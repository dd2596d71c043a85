package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;

/** Tokens that clients prove with who they are, and how the keys of issuers are kept. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.access.token")
public interface TokenConfig {
    /** The issuers by name (letters, digits, - and _). Default: none. */
    Map<String, TokenIssuerConfig> issuers();

    /** Whether the password of a CONNECT may be a token. Default: true. */
    @WithDefault("true")
    boolean password();

    /** Bytes of a token. Default: 16 KiB. */
    @WithDefault("16384")
    int sizeMaximum();

    /** How often keys are read again. Default: 5 min. */
    @WithDefault("5m")
    Duration keysRefresh();

    /** How long known keys serve while they cannot be read again. Default: 24 h. */
    @WithDefault("24h")
    Duration keysOutage();

    /** The shortest time between two reads because a token names a key that is not known. Default: 30 s. */
    @WithDefault("30s")
    Duration unknownKeyInterval();

    /** How long a read of keys may take. Default: 5 s. */
    @WithDefault("5s")
    Duration fetchTimeout();

    /** Bytes that keys may have. Default: 256 KiB. */
    @WithDefault("262144")
    int fetchBytes();
}
