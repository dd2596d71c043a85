package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientIdPatternTest {
    private static boolean allows(String pattern, String username, String clientId) {
        return new ClientIdPattern(pattern).matches(clientId, Map.of("username", username)::get);
    }

    @ParameterizedTest
    @CsvSource({
        "truck-*, any, truck-7, true",
        "truck-*, any, truck, false",
        "truck-*, any, xtruck-7, false",
        "{username}, ann, ann, true",
        "{username}, ann, anna, false",
        "{username}-*, ann, ann-1, true",
        "*-{username}-*, ann, a-ann-1, true",
        "*-{username}-*, ann, a-bob-1, false",
        "a*a, any, a, false",
        "a*a, any, aa, true",
        "*, any, x, true",
        "a*b*c, any, axbxc, true",
        "a*b*c, any, axcxc, false",
        "a*bc*c, any, abc, false"
    })
    void allowed(String pattern, String username, String clientId, boolean allowed) {
        assertThat(allows(pattern, username, clientId)).isEqualTo(allowed);
    }

    /** A user name is what it is, whatever it looks like. */
    @Test
    void aUserNameIsNoPattern() {
        assertThat(allows("{username}", "*", "anything")).isFalse();
        assertThat(allows("{username}", "*", "*")).isTrue();
        assertThat(allows("{username}-x", "a*{username}", "a*{username}-x")).isTrue();
    }

    @Test
    void aValueThatIsMissingFitsNothing() {
        assertThat(allows("*{claim.tenant}*", "ann", "anything")).isFalse();
        assertThat(allows("*{username}*", "", "anything")).isFalse();
    }

    @Test
    void aPatternOfManyStarsCostsLittle() {
        var pattern = "*a".repeat(500) + "b";
        assertThat(allows(pattern, "ann", "a".repeat(60_000))).isFalse();
    }

    @Test
    void wrongPatterns() {
        ClientIdPattern.check("{username}-*", "username"::equals);
        assertThatThrownBy(() -> ClientIdPattern.check("{user}", "username"::equals))
                .hasMessageContaining("{username}");
        assertThatThrownBy(() -> ClientIdPattern.check("a{b", "username"::equals))
                .hasMessageContaining("{ alone");
        assertThatThrownBy(() -> ClientIdPattern.check("", "username"::equals)).hasMessageContaining("empty");
    }
}
