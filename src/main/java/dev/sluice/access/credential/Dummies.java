package dev.sluice.access.credential;

import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Secret;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Owns secrets that are checked in place of those of unknown users, so that they take equally long: one for each cost that users' secrets
 * have been seen with. Any thread may use it.
 */
final class Dummies {
    private static final int MOST = 16;

    private final Recipe recipe;
    private final Set<String> costs = new HashSet<>();
    private volatile List<Secret> secrets = List.of();

    Dummies(Recipe recipe) {
        this.recipe = recipe;
    }

    /** The same one for a name each time, as long as no further cost is seen. Computes at the first call. */
    Secret of(String username) {
        if (secrets.isEmpty())
            learn(recipe.hash(recipe.standard(), "nobody's password".getBytes(StandardCharsets.US_ASCII)));
        var known = secrets;
        return known.get(Math.floorMod(username.hashCode(), known.size()));
    }

    /** A user's secret, of which only the cost matters. */
    void learn(Secret secret) {
        if (secrets.size() >= MOST) return;
        synchronized (this) {
            if (secrets.size() >= MOST || !costs.add(secret.cost())) return;
            var more = new ArrayList<>(secrets);
            more.add(secret);
            secrets = List.copyOf(more);
        }
    }
}
