package dev.sluice.access.credential;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Scheme;
import dev.sluice.support.PasswordKeys;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DummiesTest {
    private final Recipe recipe = new Recipe(PasswordKeys.config(Map.of()));

    private Dummies dummies(String key) {
        var dummies = new Dummies(recipe, () -> key.getBytes(UTF_8));
        for (var scheme : new Scheme[] {Scheme.SCRAM_SHA_256, Scheme.BCRYPT})
            dummies.learn(recipe.hash(scheme, "x".getBytes(UTF_8)));
        return dummies;
    }

    private static Map<String, String> costs(Dummies dummies) {
        var costs = new HashMap<String, String>();
        IntStream.range(0, 64)
                .forEach(i -> costs.put("user-" + i, dummies.of("user-" + i).cost()));
        return costs;
    }

    @Test
    void whoseCostIsWhoseFollowsFromAKeyThatNobodyKnows() {
        assertThat(costs(dummies("one"))).isEqualTo(costs(dummies("one"))).isNotEqualTo(costs(dummies("other")));
        assertThat(costs(dummies("one")).values())
                .contains(recipe.hash(Scheme.BCRYPT, new byte[] {1}).cost());
    }

    /** Else a name could be told to be unknown by the time that changes with each cost. */
    @Test
    void aFurtherCostTakesSomeNamesAndLeavesTheOthersAsTheyAre() {
        var dummies = dummies("one");
        var before = costs(dummies);
        var further = recipe.hash(Scheme.PBKDF2_SHA256, "x".getBytes(UTF_8));
        dummies.learn(further);
        var after = costs(dummies);
        assertThat(after).isNotEqualTo(before);
        after.forEach((name, cost) -> assertThat(cost).isIn(before.get(name), further.cost()));
    }
}
