package dev.sluice.admin;

import dev.sluice.access.credential.NewSecrets;
import dev.sluice.admin.CredentialRequest.Checks;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.RejectedExecutionException;

/**
 * The secret that a request asks for: a password, a hash, or a machine token. Immutable.
 *
 * @param token what the gateway has made; null if it has made none
 */
record NewSecret(String hash, String token) {
    private static final int UNAVAILABLE = 503;

    /** Hashes, which takes a while; {@code checks} ends the request if it has found a mistake before. */
    static NewSecret of(CredentialRequest.NewSecret wanted, NewSecrets secrets, Checks checks) {
        check(wanted, secrets, checks);
        checks.end();
        if (wanted.hash() != null) return new NewSecret(wanted.hash(), null);
        if (wanted.password() == null) {
            var token = secrets.token();
            return new NewSecret(secrets.hashToken(token), token);
        }
        return hashed(wanted, secrets, checks);
    }

    /** Looks for mistakes; hashes nothing. */
    static void check(CredentialRequest.NewSecret wanted, NewSecrets secrets, Checks checks) {
        if (wanted.password() != null && wanted.hash() != null) checks.wrong("/hash", "is there beside a password");
        checks.scheme(wanted.scheme());
        if (wanted.scheme() != null && wanted.password() == null)
            checks.wrong("/scheme", "says how a password is hashed, and there is none");
        if (wanted.hash() != null) check(wanted.hash(), secrets, checks);
    }

    private static NewSecret hashed(CredentialRequest.NewSecret wanted, NewSecrets secrets, Checks checks) {
        try {
            var scheme = checks.scheme(wanted.scheme());
            return new NewSecret(secrets.hash(scheme, wanted.password().getBytes(StandardCharsets.UTF_8)), null);
        } catch (IllegalArgumentException wrong) {
            checks.wrong("/password", wrong.getMessage());
            checks.end();
            throw wrong;
        } catch (RejectedExecutionException _) {
            throw Problem.of(
                    UNAVAILABLE,
                    "too many clients wait for their passwords to be hashed; nothing has changed, try again");
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw Problem.of(UNAVAILABLE, "the gateway shuts down; nothing has changed");
        }
    }

    private static void check(String hash, NewSecrets secrets, Checks checks) {
        try {
            secrets.check(hash);
        } catch (IllegalArgumentException wrong) {
            checks.wrong("/hash", wrong.getMessage());
        }
    }
}
