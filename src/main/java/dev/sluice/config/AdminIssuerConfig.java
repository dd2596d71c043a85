package dev.sluice.config;

import java.util.Optional;

/** One issuer of administrators' tokens, and which claim is their role. */
public interface AdminIssuerConfig extends TrustedIssuerConfig {
    /** The claim that holds `read`, `operate` or `admin`: a text, or a list that has one of them. */
    String roleClaim();

    /** What stands before these names. Default: nothing. */
    Optional<String> rolePrefix();
}
