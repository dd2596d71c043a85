package dev.sluice.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One issuer whose tokens (JWT, RFC 7519) are taken for true, whoever they are for. */
public interface TrustedIssuerConfig {
    /** What the claim `iss` of its tokens is. */
    String issuer();

    /** What the claim `aud` has to hold, one of these at least. */
    List<String> audience();

    /** Algorithms that its tokens may be signed with: RS, PS and ES with 256, 384 or 512; HS only with keys of a file. */
    @WithDefault("RS256,ES256")
    List<String> algorithms();

    /** Where its keys are: the URL of a JSON Web Key Set (RFC 7517). Default: none. */
    Optional<String> jwksUrl();

    /** A file with its keys instead: a JSON Web Key Set, or public keys and certificates in PEM. Default: none. */
    Optional<String> keyFile();

    /** How far its clock may be from the gateway's. */
    @WithDefault("30s")
    Duration skew();

    /** The claim that is the user name. */
    @WithDefault("sub")
    String usernameClaim();
}
