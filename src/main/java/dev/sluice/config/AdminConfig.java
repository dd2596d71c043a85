package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Who may administer the gateway. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.admin")
public interface AdminConfig {
    /**
     * What a request below {@code /admin} may bring as {@code Authorization: Bearer} to be let in as an administrator. Without it and
     * without issuers, requests of this machine need nothing. Default: none.
     */
    Optional<String> token();

    /** The longest that a token lives which {@code POST /admin/tokens} makes. Default: 366 days. */
    @WithDefault("366d")
    Duration tokenLifetimeMaximum();

    /** Issuers of administrators' tokens (OpenID Connect) by name (letters, digits, - and _). Default: none. */
    Map<String, AdminIssuerConfig> issuers();
}
