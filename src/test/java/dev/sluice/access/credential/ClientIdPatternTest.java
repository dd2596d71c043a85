package dev.sluice.access.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientIdPatternTest {
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
    void allows(String pattern, String username, String clientId, boolean allowed) {
        assertThat(ClientIdPattern.allows(pattern, username, clientId)).isEqualTo(allowed);
    }

    /** A user name is what it is, whatever it looks like. */
    @Test
    void aUserNameIsNoPattern() {
        assertThat(ClientIdPattern.allows("{username}", "*", "anything")).isFalse();
        assertThat(ClientIdPattern.allows("{username}", "*", "*")).isTrue();
        assertThat(ClientIdPattern.allows("{username}-x", "a*{username}", "a*{username}-x"))
                .isTrue();
        assertThat(ClientIdPattern.allows(null, "ann", "anything")).isTrue();
    }

    @Test
    void aPatternOfManyStarsCostsLittle() {
        var pattern = "*a".repeat(500) + "b";
        assertThat(ClientIdPattern.allows(pattern, "ann", "a".repeat(60_000))).isFalse();
    }

    @Test
    void wrongPatterns() {
        ClientIdPattern.check("{username}-*");
        assertThatThrownBy(() -> ClientIdPattern.check("{user}")).hasMessageContaining("{username}");
        assertThatThrownBy(() -> ClientIdPattern.check("")).hasMessageContaining("empty");
    }
}
