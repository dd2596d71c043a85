package dev.sluice.access.secret;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.support.PasswordKeys;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecretTest {
    private static final Recipe RECIPE = new Recipe(PasswordKeys.config(Map.of()));

    /** Of the reference implementations of Argon2 and bcrypt, of RFC 7914 for PBKDF2, of RFC 7677 for SCRAM. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "password $argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "U*U $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                "U*U* $2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
                "pencil"
                        + " SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            })
    void knownHashesMatch(String password, String text) {
        var secret = Recipe.parse(text);
        assertThat(secret.matches(password.getBytes(US_ASCII))).isTrue();
        assertThat(secret.matches((password + "x").getBytes(US_ASCII))).isFalse();
        assertThat(secret.text()).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "passwd, salt, 1, 55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
        "Password, NaCl, 80000, 4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
    })
    void pbkdf2IsThatOfRfc7914(String password, String salt, int iterations, String hash) {
        var derived = Pbkdf2.derive("HmacSHA256", password.getBytes(US_ASCII), salt.getBytes(US_ASCII), iterations);
        assertThat(HexFormat.of().formatHex(derived)).isEqualTo(hash);
    }

    @ParameterizedTest
    @EnumSource(Scheme.class)
    void whatIsHashedMatchesAndNothingElse(Scheme scheme) {
        var password = scheme == Scheme.TOKEN ? RECIPE.token() : "pässword";
        var text = RECIPE.hash(scheme, password.getBytes(UTF_8)).text();
        var secret = Recipe.parse(text);
        assertThat(secret.matches(password.getBytes(UTF_8))).isTrue();
        assertThat(secret.matches((password + "1").getBytes(UTF_8))).isFalse();
        assertThat(secret.text()).isEqualTo(text);
        assertThat(RECIPE.hash(scheme, password.getBytes(UTF_8)).text())
                .as("another salt")
                .isNotEqualTo(text);
        assertThat(secret.toString()).isEqualTo(secret.cost()).isNotEqualTo(text);
        assertThat(text).doesNotContain(password);
    }

    @Test
    void bcryptRefusesWhatItWouldCutOff() {
        assertThatThrownBy(() -> RECIPE.hash(Scheme.BCRYPT, "x".repeat(73).getBytes(US_ASCII)))
                .hasMessageContaining("73 bytes");
        var hashed = RECIPE.hash(Scheme.BCRYPT, "x".repeat(72).getBytes(US_ASCII));
        assertThat(hashed.matches("x".repeat(72).getBytes(US_ASCII))).isTrue();
        assertThat(hashed.matches("x".repeat(73).getBytes(US_ASCII))).isFalse();
    }

    @Test
    void aPasswordThatLooksLikeATokenIsRefused() {
        var token = RECIPE.token();
        assertThat(MachineToken.looksLike(token.getBytes(US_ASCII))).isTrue();
        assertThat(MachineToken.looksLike((token + "x").getBytes(US_ASCII))).isFalse();
        assertThat(MachineToken.looksLike(token.replaceFirst(".$", "=").getBytes(US_ASCII)))
                .isFalse();
        assertThatThrownBy(() -> RECIPE.hash(Scheme.ARGON2ID, token.getBytes(US_ASCII)))
                .hasMessage("looks like a machine token");
    }

    /** A row that costs minutes or gigabytes to check would stop all logins. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "$argon2id$v=19$m=65536,t=999,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                "$pbkdf2-sha256$i=999999999$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "$pbkdf2-sha512$i=1000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "$token$c29tZXNhbHQ$AAAA",
                "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA",
                "SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
                "secret",
                ""
            })
    void aHashThatIsWrongOrTooCostlyIsRefused(String text) {
        assertThatThrownBy(() -> Recipe.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Each within its own bound, but a check would take a core half a minute. */
    @Test
    void memoryAndPassesTogetherHaveABound() {
        var text = "$argon2id$v=19$m=%d,t=%d,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assertThatThrownBy(() -> Recipe.parse(text.formatted(262_144, 64)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "m=262144 and t=64 are 16777216 KiB to go over, more than 1048576: use less memory, or fewer"
                                + " passes");
        assertThatThrownBy(() -> Recipe.parse(text.formatted(262_144, 5))).hasMessageContaining("fewer passes");
        assertThat(Recipe.parse(text.formatted(262_144, 4))).isNotNull();
        assertThat(Recipe.parse(text.formatted(16_384, 64))).isNotNull();
        assertThatThrownBy(() -> new Recipe(
                        PasswordKeys.config(Map.of("argon2-memory-kib", "262144", "argon2-iterations", "5"))))
                .hasMessageContaining("sluice.access.password: argon2id: m=262144 and t=5");
    }

    @Test
    void aConfigurationOutsideOfTheBoundsIsRefused() {
        assertThatThrownBy(() -> new Recipe(PasswordKeys.config(Map.of("bcrypt-cost", "31"))))
                .hasMessageContaining("sluice.access.password")
                .hasMessageContaining("the cost is 31");
        assertThatThrownBy(() -> new Recipe(PasswordKeys.config(Map.of("scheme", "md5"))))
                .hasMessageContaining("sluice.access.password.scheme: \"md5\" is not one of argon2id");
    }
}
