package dev.sluice.access.token;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import java.net.URI;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Tokens that nobody should be let in with. Used by one thread. */
public final class BadTokens {
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final TestIssuer issuer;
    private final Map<String, String> tokens = new HashMap<>();

    private BadTokens(TestIssuer issuer) {
        this.issuer = issuer;
    }

    /** By name, such as EXPIRED. From then on the issuer has an RSA key as well. */
    public static Map<String, String> of(TestIssuer issuer) {
        var bad = new BadTokens(issuer);
        try {
            bad.claims();
            bad.signatures();
            bad.headers();
            bad.algorithms();
            bad.texts();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
        return bad.tokens;
    }

    private static JWTClaimsSet.Builder ann() {
        return TestIssuer.claims("ann");
    }

    private void claims(String name, JWTClaimsSet.Builder claims) {
        tokens.put(name, issuer.sign(claims.build()));
    }

    private static Date in(int seconds) {
        return Date.from(Instant.now().plusSeconds(seconds));
    }

    private void claims() {
        claims("EXPIRED", ann().expirationTime(in(-60)));
        claims("TOMORROW", ann().notBeforeTime(in(86_400)).expirationTime(in(90_000)));
        claims("ENDLESS", ann().expirationTime(null));
        claims("WORDY", ann().claim("exp", "tomorrow"));
        claims("OTHER_AUDIENCE", ann().audience("another"));
        claims("NO_AUDIENCE", ann().audience((String) null));
        claims("OTHER_ISSUER", ann().issuer("https://evil.example"));
        claims("NO_ISSUER", ann().issuer(null));
        claims("STAR", TestIssuer.claims("*"));
        claims("NOBODY", TestIssuer.claims(null));
        claims("LARGE", ann().claim("more", "x".repeat(3000)));
    }

    private void signatures() {
        var parts = issuer.token("ann").split("\\.");
        var body = parts[0] + "." + parts[1] + ".";
        tokens.put("WRONG_KEY", TestIssuer.sign(TestIssuer.key("first"), "first", ann().build()));
        tokens.put("UNSIGNED", body);
        tokens.put("TRUNCATED", body + parts[2].substring(0, 40));
        tokens.put("ZEROS", body + "A".repeat(86));
        var bob = issuer.token("bob").split("\\.");
        tokens.put("TAMPERED", bob[0] + "." + parts[1] + "." + bob[2]);
    }

    private void keyId(String name, String keyId) {
        tokens.put(name, TestIssuer.sign(issuer.key, keyId, ann().build()));
    }

    private void header(String name, JWSHeader.Builder header) throws JOSEException {
        tokens.put(name, TestIssuer.sign(header.build(), new ECDSASigner(issuer.key), ann().build()));
    }

    private static JWSHeader.Builder es256() {
        return new JWSHeader.Builder(JWSAlgorithm.ES256);
    }

    private void headers() throws JOSEException {
        keyId("PATH", "../../../../dev/null");
        keyId("SQL", "x' UNION SELECT 'AAAA");
        keyId("URL", "http://127.0.0.1:1/keys");
        keyId("COMMAND", "|/bin/true");
        keyId("LONG_KEY_ID", "x".repeat(1000));
        header("CRITICAL", es256().keyID("first").criticalParams(Set.of("exp")).customParam("exp", 1));
        header("LOGOUT", es256().keyID("first").type(new JOSEObjectType("logout+jwt")));
        var own = TestIssuer.key("first");
        var leading = es256().keyID("first")
                .jwk(own.toPublicJWK())
                .jwkURL(URI.create("http://127.0.0.1:1/keys"))
                .x509CertURL(URI.create("http://127.0.0.1:1/certificate"));
        tokens.put("OWN_KEY", TestIssuer.sign(leading.build(), new ECDSASigner(own), ann().build()));
    }

    private void algorithms() throws JOSEException {
        tokens.put("NONE", new PlainJWT(ann().build()).serialize());
        tokens.put(
                "NONE_IN_OTHER_LETTERS",
                encoded("{\"alg\":\"nOnE\"}") + "." + encoded(ann().build().toString()) + ".");
        var parts = issuer.token("ann").split("\\.");
        tokens.put("NONE_SIGNED", encoded("{\"alg\":\"none\",\"kid\":\"first\"}") + "." + parts[1] + "." + parts[2]);
        var mac = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("first").build();
        tokens.put(
                "PUBLIC_SECRET",
                TestIssuer.sign(mac, new MACSigner(issuer.key.toPublicKey().getEncoded()), ann().build()));
        var rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
        issuer.answer = () -> TestIssuer.keys(rsa, issuer.key);
        var rs384 = new JWSHeader.Builder(JWSAlgorithm.RS384).keyID("rsa").build();
        tokens.put("OTHER_ALGORITHM", TestIssuer.sign(rs384, new RSASSASigner(rsa), ann().build()));
    }

    private void texts() {
        tokens.put(
                "TWICE", encoded("{\"alg\":\"ES256\"}") + "." + encoded("{\"sub\":\"ann\",\"sub\":\"bob\"}") + ".AAAA");
        tokens.put("DEEP", encoded("{\"alg\":\"ES256\"}") + "." + encoded("[".repeat(2000)) + ".AAAA");
        tokens.put("ENCRYPTED", encoded("{\"alg\":\"dir\",\"enc\":\"A128GCM\"}") + "..AAAA.AAAA.AAAA");
    }

    private static String encoded(String text) {
        return BASE64.encodeToString(text.getBytes(UTF_8));
    }
}
