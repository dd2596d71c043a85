package dev.sluice.access.limit;

import java.util.Locale;

/** Who shares one limit. */
public enum Scope {
    /** One client identifier of one identity, over all its connections. */
    CLIENT,
    /** All clients of one user name; anonymous clients are no identity. */
    IDENTITY,
    /** All clients of one group. */
    GROUP,
    /** All clients of one IPv4 address, or of one IPv6 network of 64 bits. */
    ADDRESS,
    /** All clients of the gateway. */
    GATEWAY;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
