package dev.sluice.access.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jwt.JWTClaimsSet;
import dev.sluice.access.Attempt;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Peer;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import io.quarkus.runtime.StartupEvent;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which attempts are about tokens, and whom the claims make of a client. */
class TokenAuthenticationTest {
    private final TestIssuer issuer = new TestIssuer();
    private TokenAuthentication authentication;

    private void configure(String... more) {
        authentication = new TokenAuthentication(TestTokenConfig.of(issuer, more), true);
        authentication.start(new StartupEvent());
    }

    @AfterEach
    void stop() {
        if (authentication != null) authentication.stop(null);
        issuer.close();
    }

    private static Attempt attempt(String clientId, String password, String authorization, String method, String data) {
        var peer = new Peer("192.0.2.1", "192.0.2.1:1", true, List.of(), authorization, "/mqtt");
        return new Attempt(peer, clientId, "x", bytes(password), method, bytes(data));
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private Identity identity(String clientId, JWTClaimsSet claims) {
        var verdict = authentication.judge(attempt(clientId, issuer.sign(claims), null, null, null));
        assertThat(verdict).isInstanceOf(Verdict.Granted.class);
        return ((Verdict.Granted) verdict).identity();
    }

    private void assertDenied(String clientId, JWTClaimsSet.Builder claims, Reason reason) {
        assertThat(authentication.judge(attempt(clientId, issuer.sign(claims.build()), null, null, null)))
                .isInstanceOfSatisfying(
                        Verdict.Denied.class,
                        it -> assertThat(it.reason()).as(it.logText()).isEqualTo(reason));
    }

    @Test
    void concernsWhatIsAToken() {
        configure();
        var token = issuer.token("ann");
        assertThat(authentication.concerns(attempt("c", token, null, null, null)))
                .isTrue();
        assertThat(authentication.concerns(attempt("c", null, "bearer " + token, null, null)))
                .isTrue();
        assertThat(authentication.concerns(attempt("c", null, null, Attempt.TOKEN, token)))
                .isTrue();
        assertThat(authentication.concerns(attempt("c", "secret.with.dots", null, null, null)))
                .isFalse();
        assertThat(authentication.concerns(attempt("c", "ey", null, null, null)))
                .isFalse();
        assertThat(authentication.concerns(attempt("c", null, "Basic YTpi", null, null)))
                .isFalse();
        assertThat(authentication.concerns(attempt("c", token, null, "SCRAM-SHA-256", null)))
                .isFalse();
        assertThat(authentication.concerns(attempt("c", null, null, null, null)))
                .isFalse();
        authentication.stop(null);
        configure("password", "false");
        assertThat(authentication.concerns(attempt("c", token, null, null, null)))
                .isFalse();
    }

    /** CONNECT goes before the upgrade. */
    @Test
    void whatIsNearestCounts() {
        configure();
        var ann = issuer.token("ann");
        var bob = issuer.token("bob");
        assertThat(named(attempt("c", ann, "Bearer " + bob, null, null))).isEqualTo("ann");
        assertThat(named(attempt("c", bob, null, Attempt.TOKEN, ann))).isEqualTo("ann");
        assertThat(named(attempt("c", null, "Bearer  " + ann, Attempt.TOKEN, null)))
                .isEqualTo("ann");
        assertThat(authentication.judge(attempt("c", null, null, Attempt.TOKEN, null)))
                .isInstanceOf(Verdict.Denied.class);
    }

    private String named(Attempt attempt) {
        return ((Verdict.Granted) authentication.judge(attempt)).identity().name();
    }

    @Test
    void claimsSayWhoItIs() {
        configure(
                "issuers.test.username-prefix", "fleet/",
                "issuers.test.groups-claim", "/realm/roles",
                "issuers.test.claims", "tenant,level,none",
                "issuers.test.rights-claim", "acl",
                "issuers.test.limits-claim", "limits");
        var right = Map.of("effect", "allow", "actions", List.of("publish"), "filter", "a/#");
        var identity = identity(
                "c",
                TestIssuer.claims("ann")
                        .claim("realm", Map.of("roles", List.of("drivers", "all")))
                        .claim("tenant", "acme")
                        .claim("level", 3)
                        .claim("secret", "x")
                        .claim("acl", List.of(right))
                        .claim("limits", Map.of("connections", 2))
                        .build());
        assertThat(identity.name()).isEqualTo("fleet/ann");
        assertThat(identity.groups()).isEqualTo(Set.of("drivers", "all"));
        assertThat(identity.claims()).isEqualTo(Map.of("tenant", "acme", "level", "3"));
        assertThat(identity.rights()).singleElement().satisfies(it -> assertThat(it.filter())
                .hasToString("a/#"));
        assertThat(identity.limits()).isEqualTo(Map.of("connections", 2L));
        assertThat(identity.method()).isEqualTo(Method.TOKEN);
        assertThat(identity.until()).isNotNull();
    }

    @Test
    void claimsThatAreWrongLetNobodyIn() {
        configure(
                "issuers.test.groups-claim", "groups",
                "issuers.test.rights-claim", "acl",
                "issuers.test.limits-claim", "limits");
        assertDenied("c", TestIssuer.claims(null), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims(""), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("a\0b"), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("x".repeat(1025)), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("ann").claim("sub", 7), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("ann").claim("groups", 7), Reason.BAD_CREDENTIALS);
        assertDenied(
                "c", TestIssuer.claims("ann").claim("acl", List.of(Map.of("effect", "maybe"))), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("ann").claim("limits", Map.of("x", -1)), Reason.BAD_CREDENTIALS);
        assertDenied("c", TestIssuer.claims("ann").claim("limits", List.of()), Reason.BAD_CREDENTIALS);
        assertThat(identity("c", TestIssuer.claims("ann").build()).rights()).isEmpty();
    }

    @Test
    void aClaimMayHaveToBeTheClientId() {
        configure("issuers.test.client-id-claim", "device");
        assertThat(identity(
                                "truck-7",
                                TestIssuer.claims("ann")
                                        .claim("device", "truck-7")
                                        .build())
                        .name())
                .isEqualTo("ann");
        assertDenied("truck-8", TestIssuer.claims("ann").claim("device", "truck-7"), Reason.NOT_AUTHORIZED);
        assertDenied("truck-8", TestIssuer.claims("ann").claim("device", "*"), Reason.NOT_AUTHORIZED);
        assertDenied("truck-8", TestIssuer.claims("ann"), Reason.BAD_CREDENTIALS);
    }

    @ParameterizedTest
    @CsvSource({
        "{username}-*, ann-1, true",
        "{username}-*, bob-1, false",
        "{username}, ann, true",
        "{username}, ann2, false",
        "{claim.star}-*, x-1, false",
        "{claim.star}-*, *-1, true",
        "{claim.none}*, x, false",
        "*, anything, true",
        "a*b*c, a-b-b-c, true",
        "a*b*c, abc, true",
        "a*b*c, ac, false",
        "ab*ba, aba, false"
    })
    void aPatternBindsTheClientId(String pattern, String clientId, boolean fits) {
        configure("issuers.test.client-id-pattern", pattern);
        var claims = TestIssuer.claims("ann").claim("star", "*");
        if (fits) identity(clientId, claims.build());
        else assertDenied(clientId, claims, Reason.NOT_AUTHORIZED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{other}", "a{b", "}"})
    void aPatternThatIsNoneIsAMistake(String pattern) {
        assertThatThrownBy(() -> configure("issuers.test.client-id-pattern", pattern))
                .hasMessageStartingWith("sluice.access.token.issuers.test.client-id-pattern: has ");
    }

    /** Nobody is asked for keys where tokens are no method. */
    @Test
    void itIsQuietWhereItIsNoMethod() {
        authentication = new TokenAuthentication(TestTokenConfig.of(issuer), false);
        authentication.start(new StartupEvent());
        assertThat(issuer.asked).hasValue(0);
    }
}
