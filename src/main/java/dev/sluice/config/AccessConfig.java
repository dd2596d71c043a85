package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Who may connect. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.access")
public interface AccessConfig {
    /**
     * How clients may prove who they are, the first to be asked first: `anonymous` (the last one, if at all). Without one, nobody can
     * connect. Default: none.
     */
    Optional<List<String>> methods();

    /** Whether the upgrade's `Authorization` header is looked at. */
    @WithDefault("false")
    boolean authorizationHeader();

    /** The cookie of the upgrade that holds a token. Default: none is looked at. */
    Optional<String> cookie();

    /** The parameter of the upgrade's query that holds a token. Default: none is looked at. */
    Optional<String> queryParameter();

    /** Clients whose credentials are being judged, or wait for that; a further one is refused with 0x89. */
    @WithDefault("10000")
    int attemptsMaximum();

    /** Time in which a credential has to be judged; then the client is refused with 0x88. */
    @WithDefault("30s")
    Duration judgeTimeout();
}
