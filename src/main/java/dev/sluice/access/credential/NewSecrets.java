package dev.sluice.access.credential;

import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Scheme;
import dev.sluice.config.PasswordConfig;
import jakarta.enterprise.context.ApplicationScoped;

/** Makes the secrets of new credentials for operators. Any virtual thread may call, and waits for a hashing thread. */
@ApplicationScoped
public class NewSecrets {
    private final Recipe recipe;
    private final HashingThreads threads;

    public NewSecrets(PasswordConfig config, HashingThreads threads) {
        this.recipe = new Recipe(config);
        this.threads = threads;
    }

    /** A random machine token. */
    public String token() {
        return recipe.token();
    }

    /** The hash of such a token. */
    public String hashToken(String token) {
        return recipe.hashToken(token).text();
    }

    /**
     * The hash of a password.
     *
     * @param scheme null for the configured one
     * @throws IllegalArgumentException saying what is wrong with the password
     * @throws java.util.concurrent.RejectedExecutionException when as many clients wait to be hashed as may
     */
    public String hash(Scheme scheme, byte[] password) throws InterruptedException {
        return threads.computeForOperator(() -> recipe.hash(scheme == null ? recipe.standard() : scheme, password)
                .text());
    }

    /**
     * Looks at a hash that was made elsewhere.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public void check(String hash) {
        Recipe.parse(hash);
    }
}
