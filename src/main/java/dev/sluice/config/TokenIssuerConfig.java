package dev.sluice.config;

import java.util.List;
import java.util.Optional;

/** One issuer of clients' tokens, and what their claims say. A claim is named, or pointed to as in {@code /realm_access/roles} (RFC 6901). */
public interface TokenIssuerConfig extends TrustedIssuerConfig {
    /** What is put before the user name, so that no two issuers speak of the same user. Default: nothing. */
    Optional<String> usernamePrefix();

    /** The claim that has to be the client id. Default: none. */
    Optional<String> clientIdClaim();

    /**
     * Client ids that its tokens are good for: `*` stands for any characters, `{username}` for the user name, `{claim.<name>}` for a claim.
     * Default: all.
     */
    Optional<String> clientIdPattern();

    /** The claim with the groups: a list, or a text with spaces between them. Default: none. */
    Optional<String> groupsClaim();

    /** The claim with rights of the client: a list of rules without subject and priority. Default: none. */
    Optional<String> rightsClaim();

    /** The claim with limits of the client: an object of numbers. Default: none. */
    Optional<String> limitsClaim();

    /** Further claims that rules may ask for: texts, numbers, truth values. Default: none. */
    Optional<List<String>> claims();
}
