package dev.sluice.access.credential;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authentication;
import dev.sluice.access.Method;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.ScramKeys;
import dev.sluice.config.PasswordConfig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.credential.CredentialReader;
import dev.sluice.store.credential.StoredCredential;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, 7677) by MQTT 5's enhanced authentication, without channel binding. A user that is unknown, or
 * has a secret of another scheme, gets a salt all the same, each time the same one. Any number of virtual threads use it at once.
 */
@Singleton
public class ScramAuthentication implements Authentication {
    private static final Map<String, Integer> FUNCTIONS = Map.of("SCRAM-SHA-256", 256, "SCRAM-SHA-512", 512);
    private static final int NONCE_BYTES = 24;

    private final CredentialReader reader;
    private final Logins logins;
    private final int iterations;
    private final Supplier<String> nonces;
    private volatile byte[] saltSecret;

    @Inject
    public ScramAuthentication(CredentialReader reader, Logins logins, PasswordConfig config) {
        this(reader, logins, config.scramIterations(), randomNonces());
    }

    ScramAuthentication(CredentialReader reader, Logins logins, int iterations, Supplier<String> nonces) {
        this.reader = reader;
        this.logins = logins;
        this.iterations = iterations;
        this.nonces = nonces;
    }

    private static Supplier<String> randomNonces() {
        var random = new SecureRandom();
        return () -> {
            var bytes = new byte[NONCE_BYTES];
            random.nextBytes(bytes);
            return Base64.getEncoder().encodeToString(bytes);
        };
    }

    @Override
    public Method method() {
        return Method.SCRAM;
    }

    @Override
    public boolean concerns(Attempt attempt) {
        return attempt.authenticationMethod() != null && FUNCTIONS.containsKey(attempt.authenticationMethod());
    }

    /** A client that has said nothing yet is asked for it. */
    @Override
    public Verdict judge(Attempt attempt) {
        if (attempt.authenticationData() == null)
            return new Verdict.Challenge(null, data -> guarded(() -> begin(attempt, data)));
        return guarded(() -> begin(attempt, attempt.authenticationData()));
    }

    @FunctionalInterface
    private interface Step {
        Verdict take() throws InterruptedException;
    }

    private Verdict guarded(Step step) {
        try {
            return step.take();
        } catch (StoreUnavailable away) {
            return logins.denied(method(), Reason.UNAVAILABLE, "unavailable", away.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return logins.denied(method(), Reason.UNAVAILABLE, "gone", "the client did not wait");
        }
    }

    private Verdict begin(Attempt attempt, byte[] data) throws InterruptedException {
        ScramMessages.First first;
        try {
            first = ScramMessages.first(data);
        } catch (IllegalArgumentException wrong) {
            return logins.malformed(attempt, method(), "", "its first message: " + wrong.getMessage());
        }
        var name = first.username();
        if (attempt.username() != null && !attempt.username().equals(name)
                || first.authorizationId() != null && !first.authorizationId().equals(name))
            return logins.denied(
                    method(), Reason.NOT_AUTHORIZED, "other-name", "user " + name + " wants to act for somebody else");
        if (logins.admit(attempt, name) == Throttle.REFUSED) return logins.throttled(method(), name);
        var function = FUNCTIONS.get(attempt.authenticationMethod());
        var found = reader.find(name);
        var keys = found.flatMap(it -> keys(it, function))
                .orElseGet(() -> ScramKeys.ofNobody(function, iterations, saltSecret(), name));
        var nonce = first.nonce() + nonces.get();
        var challenge =
                "r=" + nonce + ",s=" + Base64.getEncoder().encodeToString(keys.salt()) + ",i=" + keys.iterations();
        return new Verdict.Challenge(
                challenge.getBytes(StandardCharsets.US_ASCII),
                answer -> guarded(() -> end(attempt, new Exchange(first, challenge, nonce, keys), answer)));
    }

    /** What was said until the client has to prove itself. */
    private record Exchange(ScramMessages.First first, String challenge, String nonce, ScramKeys keys) {}

    /** The credential is read again: it may have been revoked since the challenge. */
    private Verdict end(Attempt attempt, Exchange exchange, byte[] data) throws InterruptedException {
        var name = exchange.first.username();
        // Many may have begun before the first of them failed.
        if (logins.admit(attempt, name) == Throttle.REFUSED) return logins.throttled(method(), name);
        ScramMessages.Final last;
        try {
            last = ScramMessages.last(data);
        } catch (IllegalArgumentException wrong) {
            return logins.malformed(attempt, method(), name, "its last message: " + wrong.getMessage());
        }
        if (!last.nonce().equals(exchange.nonce) || !last.gs2().equals(exchange.first.gs2()))
            return logins.malformed(attempt, method(), name, "its last message is not of this exchange");
        var said = (exchange.first.bare() + "," + exchange.challenge + "," + last.unproved())
                .getBytes(StandardCharsets.UTF_8);
        var isRight = exchange.keys.proves(last.proof(), said);
        var found = reader.find(name);
        if (!isRight || found.isEmpty())
            return logins.failed(attempt, method(), name, found.isEmpty() ? "unknown" : "wrong");
        if (!found.get().hash().equals(exchange.keys.text())) return logins.failed(attempt, method(), name, "changed");
        var signature = "v=" + Base64.getEncoder().encodeToString(exchange.keys.signature(said));
        return logins.proved(attempt, method(), found.get(), signature.getBytes(StandardCharsets.US_ASCII));
    }

    private static Optional<ScramKeys> keys(StoredCredential credential, int function) {
        try {
            return Recipe.parse(credential.hash()) instanceof ScramKeys keys && keys.function() == function
                    ? Optional.of(keys)
                    : Optional.empty();
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private byte[] saltSecret() {
        if (saltSecret == null) saltSecret = reader.saltSecret();
        return saltSecret;
    }
}
