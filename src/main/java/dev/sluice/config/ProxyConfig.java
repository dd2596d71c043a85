package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.List;
import java.util.Optional;

/** Which proxies in front of the gateway are believed, and what they say of their clients. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.proxy")
public interface ProxyConfig {
    /** Addresses of proxies that are believed, as networks in CIDR notation, such as `10.1.0.0/16,fd00::/8`; nobody else is. Default: none. */
    Optional<List<String>> trusted();

    /** The header in which they name the address of their client. */
    @WithDefault("none")
    ForwardingHeader forwarded();

    /** Whether each of their connections begins with a header of the PROXY protocol, version 1 or 2. */
    @WithDefault("false")
    boolean protocol();

    /** The header in which they hand on their client's certificate, which they have verified. Default: none. */
    Optional<String> certificateHeader();

    /** A header that names a client's address. */
    enum ForwardingHeader {
        /** None is believed. */
        NONE,
        /** RFC 7239. */
        FORWARDED,
        /** The one that most proxies write. */
        X_FORWARDED_FOR
    }
}
