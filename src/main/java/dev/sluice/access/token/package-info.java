/**
 * Tokens (JWT): whose keys are trusted, whether a token is good, and who its claims say that a client is.
 *
 * <p><b>Owns</b> the keys of the configured issuers, and one thread for each that reads them again.
 *
 * <p><b>Threads.</b> A token whose key is not known waits for a read of the keys, so tokens are verified on virtual threads only.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.token.TrustedIssuers}; {@link dev.sluice.access.token.TokenAuthentication} is the method
 * of clients.
 */
package dev.sluice.access.token;
