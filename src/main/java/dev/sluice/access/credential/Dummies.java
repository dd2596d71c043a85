package dev.sluice.access.credential;

import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Secret;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Owns secrets that are checked in place of those of unknown users, so that they take equally long: one for each cost that users' secrets
 * have been seen with. Any thread may use it.
 */
final class Dummies {
    private static final int MOST = 16;

    private static final String ALGORITHM = "HmacSHA256";

    private final Recipe recipe;
    private final Supplier<byte[]> key;
    /** Null before the first use. */
    private volatile SecretKeySpec secretKey;

    private final Set<String> costs = new HashSet<>();
    private volatile List<Secret> secrets = List.of();

    /** @param key what nobody outside knows, the same on all gateways; asked for once */
    Dummies(Recipe recipe, Supplier<byte[]> key) {
        this.recipe = recipe;
        this.key = key;
    }

    /**
     * The same one for a name each time, unless a further cost is seen, which becomes that of some names. Nobody outside can tell which one
     * it is. Computes at the first call.
     */
    Secret of(String username) {
        if (secrets.isEmpty())
            learn(recipe.hash(recipe.standard(), "nobody's password".getBytes(StandardCharsets.US_ASCII)));
        var known = secrets;
        if (known.size() == 1) return known.getFirst();
        return known.stream()
                .max(Comparator.comparing(it -> rank(it, username), Arrays::compareUnsigned))
                .orElseThrow();
    }

    private byte[] rank(Secret secret, String username) {
        if (secretKey == null) secretKey = new SecretKeySpec(key.get(), ALGORITHM);
        try {
            var mac = Mac.getInstance(ALGORITHM);
            mac.init(secretKey);
            return mac.doFinal((secret.cost() + '\0' + username).getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
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
