package dev.sluice.access.credential;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authentication;
import dev.sluice.access.Method;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.access.secret.MachineToken;
import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Secret;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.PasswordConfig;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.credential.CredentialReader;
import dev.sluice.store.credential.StoredCredential;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.jboss.logging.Logger;

/**
 * User name and password of CONNECT, checked against the credentials in PostgreSQL. An unknown user costs what a wrong password does. Any
 * number of virtual threads use it at once.
 */
@Singleton
public class PasswordAuthentication implements Authentication {
    private static final Logger LOG = Logger.getLogger(PasswordAuthentication.class);
    private static final byte[] NO_PASSWORD = {0};
    /** Times that an attempt is admitted, since others from its address may fail while it waits to be hashed. */
    private static final int ADMISSIONS = 2;

    private final CredentialReader reader;
    private final VerifiedPasswords verified;
    private final HashingThreads threads;
    private final Logins logins;
    private final Dummies dummies;
    private final Secret nobodysToken;
    private final ThrottledLog unreadable = new ThrottledLog(LOG);

    @Inject
    public PasswordAuthentication(
            CredentialReader reader,
            VerifiedPasswords verified,
            HashingThreads threads,
            Logins logins,
            PasswordConfig config) {
        this.reader = reader;
        this.verified = verified;
        this.threads = threads;
        this.logins = logins;
        var recipe = new Recipe(config);
        this.dummies = new Dummies(recipe, reader::saltSecret);
        this.nobodysToken = recipe.hashToken(recipe.token());
    }

    @Override
    public Method method() {
        return Method.PASSWORD;
    }

    @Override
    public boolean concerns(Attempt attempt) {
        return attempt.authenticationMethod() == null && attempt.username() != null && attempt.password() != null;
    }

    @Override
    public Verdict judge(Attempt attempt) {
        try {
            return judgeNow(attempt);
        } catch (StoreUnavailable away) {
            return logins.denied(method(), Reason.UNAVAILABLE, "unavailable", away.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return logins.denied(method(), Reason.UNAVAILABLE, "gone", "the client did not wait");
        }
    }

    private Verdict judgeNow(Attempt attempt) throws InterruptedException {
        try {
            // What was right a short time ago passes whatever others do to its name or from its address.
            var known = verified.find(attempt.username(), attempt.password());
            if (known != null) return logins.proved(attempt, method(), known, null);
            return admitted(attempt);
        } catch (RejectedExecutionException _) {
            threads.awaitRefusal();
            return logins.denied(
                    method(), Reason.BUSY, "busy", "more passwords wait to be hashed than may, or than can be in time");
        }
    }

    /** Many may be admitted at once from an address that has not failed yet: each is asked again when its turn to be hashed comes. */
    private Verdict admitted(Attempt attempt) throws InterruptedException {
        for (int i = 0; i < ADMISSIONS; i++) {
            var waited = logins.admit(attempt, attempt.username());
            if (waited == Throttle.REFUSED) break;
            try {
                return check(attempt, waited);
            } catch (HeldBack _) {
                // waits now as if it came after those who failed
            }
        }
        return logins.throttled(method(), attempt.username());
    }

    private static final class HeldBack extends RuntimeException {
        private static final long serialVersionUID = 1L;

        HeldBack() {
            super(null, null, false, false);
        }
    }

    private Verdict check(Attempt attempt, long waited) throws InterruptedException {
        var name = attempt.username();
        var since = verified.changes();
        var found = reader.find(name);
        if (!matches(attempt, waited, found, since))
            return logins.failed(attempt, method(), name, found.isEmpty() ? "unknown" : "wrong");
        var credential = found.get();
        if (verified.changes() != since) {
            // It may have changed while it was hashed; whoever ended its connections has not seen this one.
            var now = reader.find(name);
            if (now.isEmpty() || !now.get().hash().equals(credential.hash()))
                return logins.failed(attempt, method(), name, "changed");
            credential = now.get();
        }
        return logins.proved(attempt, method(), credential, null);
    }

    /**
     * Takes a time that depends on the looks of the password and on what hashing costs here, not on whether the user exists. What is right
     * is known from then on, also to a client that did not wait for it, and comes again.
     */
    private boolean matches(Attempt attempt, long waited, Optional<StoredCredential> found, long since)
            throws InterruptedException {
        var name = attempt.username();
        var password = attempt.password();
        var isToken = MachineToken.looksLike(password);
        var secret = found.map(this::secret).orElse(null);
        var isComparable = secret != null && isToken == secret instanceof MachineToken && password.length > 0;
        if (isToken) {
            var isRight = (isComparable ? secret : nobodysToken).matches(password) & isComparable;
            if (isRight) verified.keep(found.get(), password, since);
            return isRight;
        }
        if (secret != null && !(secret instanceof MachineToken)) dummies.learn(secret);
        var offered = password.length > 0 ? password : NO_PASSWORD;
        return threads.compute(() -> {
            if (logins.isHeldBack(attempt, name, waited)) throw new HeldBack();
            var dummy = dummies.of(name);
            // Reads the dummy's text, too, as that of a user was read.
            var isRight = (isComparable ? secret : Recipe.parse(dummy.text())).matches(offered) & isComparable;
            if (isRight) verified.keep(found.get(), password, since);
            return isRight;
        });
    }

    /** Null if an operator's own SQL has written what nobody can read. */
    private Secret secret(StoredCredential credential) {
        try {
            return Recipe.parse(credential.hash());
        } catch (IllegalArgumentException wrong) {
            unreadable.warn("the hash of credential " + credential.username()
                    + " cannot be read, so nobody can use it: " + wrong.getMessage());
            return null;
        }
    }
}
