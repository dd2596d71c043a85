package dev.sluice.access.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import dev.sluice.access.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether a token is good: with made-up keys, and an issuer on this machine. */
class TokenVerificationTest {
    /** Made once: that takes a second. */
    private static final class Rsa {
        static final RSAKey KEY = key("rsa", 2048);
        static final RSAKey WEAK = key("weak", 1024);

        private static RSAKey key(String id, int bits) {
            try {
                return new RSAKeyGenerator(bits, true).keyID(id).generate();
            } catch (JOSEException failure) {
                throw new IllegalStateException(failure);
            }
        }
    }

    private final TestIssuer issuer = new TestIssuer();
    private TrustedIssuers trusted = trusting();

    private TrustedIssuers trusting(String... more) {
        if (trusted != null) trusted.stop();
        var config = TestTokenConfig.of(issuer, more);
        trusted = new TrustedIssuers("sluice.access.token.issuers", config.issuers(), config);
        trusted.start();
        return trusted;
    }

    @AfterEach
    void stop() {
        trusted.stop();
        issuer.close();
    }

    private VerifiedToken verify(String token) throws TokenRefused {
        return trusted.verify(token.getBytes(StandardCharsets.UTF_8));
    }

    private void assertRefused(String token, Reason reason, String why) {
        assertThatThrownBy(() -> verify(token))
                .isInstanceOfSatisfying(
                        TokenRefused.class, it -> assertThat(it.reason()).isEqualTo(reason))
                .hasMessageContaining(why);
    }

    private void assertBad(String token, String why) {
        assertRefused(token, Reason.BAD_CREDENTIALS, why);
    }

    private static Date in(int seconds) {
        return Date.from(Instant.now().plusSeconds(seconds));
    }

    @Test
    void aGoodTokenSaysWhatItSays() throws TokenRefused {
        var expires = Instant.ofEpochSecond(Instant.now().getEpochSecond() + 600);
        var token = verify(issuer.sign(TestIssuer.claims("truck-7")
                .expirationTime(Date.from(expires))
                .claim("realm", java.util.Map.of("roles", List.of("a", "b")))
                .claim("scope", "x  y")
                .build()));
        assertThat(token.issuer()).isEqualTo("test");
        assertThat(token.text("sub")).isEqualTo("truck-7");
        assertThat(token.texts("/realm/roles")).isEqualTo(Set.of("a", "b"));
        assertThat(token.texts("scope")).isEqualTo(Set.of("x", "y"));
        assertThat(token.texts("none")).isEmpty();
        assertThat(token.until()).isEqualTo(expires.plusSeconds(30));
    }

    @Test
    void timesCount() throws TokenRefused {
        assertBad(issuer.sign(TestIssuer.claims("c").expirationTime(in(-31)).build()), "has expired");
        assertBad(issuer.sign(TestIssuer.claims("c").notBeforeTime(in(40)).build()), "not good before");
        assertBad(issuer.sign(TestIssuer.claims("c").expirationTime(null).build()), "no claim exp");
        assertBad(issuer.sign(TestIssuer.claims("c").claim("exp", "tomorrow").build()), "no number");
        assertBad(issuer.sign(TestIssuer.claims("c").claim("exp", -1).build()), "no number");
        // Within the skew.
        verify(issuer.sign(TestIssuer.claims("c").expirationTime(in(-20)).build()));
        verify(issuer.sign(TestIssuer.claims("c").notBeforeTime(in(20)).build()));
        verify(issuer.sign(TestIssuer.claims("c").claim("exp", 1e300).build()));
    }

    @Test
    void tokensOfOthersAndForOthersAreRefused() throws TokenRefused {
        assertBad(
                issuer.sign(
                        TestIssuer.claims("c").issuer("https://other.example").build()),
                "no issuer");
        assertBad(issuer.sign(TestIssuer.claims("c").issuer(null).build()), "no issuer");
        assertBad(issuer.sign(TestIssuer.claims("c").audience("another").build()), "another audience");
        assertBad(issuer.sign(TestIssuer.claims("c").audience((String) null).build()), "another audience");
        verify(issuer.sign(
                TestIssuer.claims("c").audience(List.of("another", "sluice")).build()));
    }

    @Test
    void onlySignaturesOfTheIssuersKeysCount() {
        var claims = TestIssuer.claims("c").build();
        assertBad(new PlainJWT(claims).serialize(), "no signed token");
        assertBad(TestIssuer.sign(TestIssuer.key("first"), "first", claims), "signature is wrong");
        var parts = issuer.sign(claims).split("\\.");
        assertBad(parts[0] + "." + parts[1] + ".", "");
        var other = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(TestIssuer.claims("admin").build().toString().getBytes(StandardCharsets.UTF_8));
        assertBad(parts[0] + "." + other + "." + parts[2], "signature is wrong");
        // As of CVE-2022-21449.
        assertBad(parts[0] + "." + parts[1] + "." + "A".repeat(86), "");
    }

    /** The classic: what everybody may know becomes the shared secret. */
    @Test
    void aPublicKeyIsNoSecret() throws Exception {
        var rsa = Rsa.KEY;
        issuer.answer = () -> TestIssuer.keys(rsa, issuer.key);
        var claims = TestIssuer.claims("c").build();
        var pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(rsa.toPublicKey().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
        for (var secret : List.of(
                rsa.toPublicKey().getEncoded(),
                pem.getBytes(StandardCharsets.UTF_8),
                rsa.toPublicJWK().toString().getBytes(StandardCharsets.UTF_8))) {
            var header = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("rsa").build();
            assertBad(TestIssuer.sign(header, new MACSigner(secret), claims), "HS256 is not one of");
        }
        verify(TestIssuer.sign(
                new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rsa").build(), new RSASSASigner(rsa), claims));
        assertBad(
                TestIssuer.sign(
                        new JWSHeader.Builder(JWSAlgorithm.RS384).keyID("rsa").build(), new RSASSASigner(rsa), claims),
                "RS384");
    }

    /** Even where the algorithm is allowed, and the file has both kinds of keys. */
    @Test
    void anAllowedSecretIsOnlyWhatTheFileCallsOne(@TempDir Path folder) throws Exception {
        var rsa = Rsa.KEY;
        var secret = new OctetSequenceKey.Builder(new byte[32]).keyID("secret").build();
        var file = Files.write(folder.resolve("keys.json"), TestIssuer.keysWithSecrets(rsa, secret));
        trusting(
                "issuers.test.jwks-url",
                null,
                "issuers.test.key-file",
                file.toString(),
                "issuers.test.algorithms",
                "HS256,RS256");
        var claims = TestIssuer.claims("c").build();
        verify(TestIssuer.sign(
                new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("secret").build(),
                new MACSigner(new byte[32]),
                claims));
        for (var keyId : new String[] {"rsa", "secret", null}) {
            var header = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(keyId).build();
            var forged = TestIssuer.sign(header, new MACSigner(rsa.toPublicKey().getEncoded()), claims);
            assertThatThrownBy(() -> verify(forged)).isInstanceOf(TokenRefused.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../../../etc/passwd",
                "/dev/null",
                "' OR '1'='1",
                "first'; DROP TABLE session; --",
                "http://127.0.0.1/evil",
                "\u0000",
                "%00"
            })
    void aKeyIdIsComparedAndNothingElse(String keyId) {
        assertBad(TestIssuer.sign(issuer.key, keyId, TestIssuer.claims("c").build()), "no such key");
    }

    @Test
    void noHeaderLeadsToAKey() throws Exception {
        var own = TestIssuer.key("own");
        var claims = TestIssuer.claims("c").build();
        try (var evil = new TestIssuer()) {
            evil.answer = () -> TestIssuer.keys(own);
            var header = new JWSHeader.Builder(JWSAlgorithm.ES256)
                    .keyID("first")
                    .jwk(own.toPublicJWK())
                    .jwkURL(java.net.URI.create(evil.url()))
                    .x509CertURL(java.net.URI.create(evil.url()))
                    .build();
            assertBad(TestIssuer.sign(header, new ECDSASigner(own), claims), "signature is wrong");
            assertThat(evil.asked).hasValue(0);
        }
        var critical = new JWSHeader.Builder(JWSAlgorithm.ES256)
                .criticalParams(Set.of("exp"))
                .customParam("exp", 1)
                .build();
        assertBad(TestIssuer.sign(critical, new ECDSASigner(issuer.key), claims), "critical");
        var typed = new JWSHeader.Builder(JWSAlgorithm.ES256)
                .type(new JOSEObjectType("logout+jwt"))
                .build();
        assertBad(TestIssuer.sign(typed, new ECDSASigner(issuer.key), claims), "type is logout+jwt");
        assertBad(TestIssuer.sign(issuer.key, "x".repeat(300), claims), "key id has 300");
    }

    @Test
    void whatIsNoTokenIsRefused() {
        for (var text : new String[] {"", ".", "..", "a.b.c", "eyJhbGciOiJFUzI1NiJ9..", "eyJ.eyJ.eyJ", "\uD83D\uDE00"})
            assertBad(text, "");
        assertBad("e".repeat(16_385), "16385 bytes");
        var twice = raw("{\"iss\":\"https://issuer.example\",\"iss\":\"x\"}");
        assertBad(twice, "no JSON");
        assertBad(raw("[]"), "no JSON object");
        assertBad(raw("[".repeat(5000)), "no JSON");
        assertBad(raw(""), "");
    }

    private static String raw(String claims) {
        var base64 = Base64.getUrlEncoder().withoutPadding();
        return base64.encodeToString("{\"alg\":\"ES256\"}".getBytes(StandardCharsets.UTF_8)) + "."
                + base64.encodeToString(claims.getBytes(StandardCharsets.UTF_8)) + ".AAAA";
    }

    @Test
    void keysOfAFileServeAndPemNeedsNoKeyId(@TempDir Path folder) throws Exception {
        var pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder()
                        .encodeToString(issuer.key.toPublicKey().getEncoded())
                + "\n-----END PUBLIC KEY-----\n";
        var file = Files.writeString(folder.resolve("key.pem"), pem);
        trusting("issuers.test.jwks-url", null, "issuers.test.key-file", file.toString());
        assertThat(verify(issuer.token("c")).text("sub")).isEqualTo("c");
        assertBad(
                TestIssuer.sign(
                        TestIssuer.key("first"), null, TestIssuer.claims("c").build()),
                "signature is wrong");
    }

    @Test
    void whatIsWrongWithTheConfigurationIsSaid(@TempDir Path folder) throws Exception {
        var none = folder.resolve("none.json").toString();
        var weak = Files.write(folder.resolve("weak.json"), TestIssuer.keys(Rsa.WEAK));
        assertWrong(".algorithms: has none, which is not one of RS256", "issuers.test.algorithms", "none");
        assertWrong(".algorithms: has one with a shared secret (HS)", "issuers.test.algorithms", "HS256");
        assertWrong(".jwks-url: either this or key-file", "issuers.test.jwks-url", null);
        assertWrong(".jwks-url: either this or key-file", "issuers.test.key-file", none);
        assertWrong("no such file", "issuers.test.jwks-url", null, "issuers.test.key-file", none);
        assertWrong("none is of use", "issuers.test.jwks-url", null, "issuers.test.key-file", weak.toString());
        assertWrong("no URL that begins with https://", "issuers.test.jwks-url", "ftp://issuer.example");
        assertWrong(
                "another one has the same",
                "issuers.b.issuer",
                TestIssuer.NAME,
                "issuers.b.audience",
                "b",
                "issuers.b.jwks-url",
                "https://issuer.example");
    }

    private void assertWrong(String sentence, String... keys) {
        assertThatThrownBy(() -> trusting(keys))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("sluice.access.token.issuers.")
                .hasMessageContaining(sentence);
    }

    /** Signed by the issuer, but with a key that is too short to trust. */
    @Test
    void weakKeysOfAUrlAreLeftOut() throws Exception {
        issuer.answer = () -> TestIssuer.keys(Rsa.WEAK, issuer.key);
        JWTClaimsSet claims = TestIssuer.claims("c").build();
        verify(issuer.sign(claims));
        var header = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString("{\"alg\":\"RS256\",\"kid\":\"weak\"}".getBytes(StandardCharsets.UTF_8));
        assertBad(header + "." + issuer.sign(claims).split("\\.")[1] + ".AAAA", "no such key");
    }
}
