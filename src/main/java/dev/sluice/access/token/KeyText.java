package dev.sluice.access.token;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetSequenceKey;
import com.nimbusds.jose.jwk.RSAKey;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/** Reads keys from text: a JSON Web Key Set, or PEM. Stateless. */
final class KeyText {
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN (PUBLIC KEY|CERTIFICATE)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    private static final int LEAST_RSA_BITS = 2048;
    private static final int LEAST_SECRET_BITS = 256;
    /** A token that names no key is checked with all that fit. */
    private static final int MOST_KEYS = 100;

    private KeyText() {}

    /**
     * The keys that signatures can be checked with; weak ones and private parts are left out.
     *
     * @param secrets whether symmetric keys count
     * @throws IOException with a sentence, when it is no such text, or has none or too many of them
     */
    static List<JWK> read(byte[] bytes, boolean secrets) throws IOException {
        var text = new String(bytes, StandardCharsets.UTF_8);
        var all = text.contains("-----BEGIN ") ? pem(text) : jwks(text);
        var keys = all.stream()
                .map(it -> usable(it, secrets))
                .filter(Objects::nonNull)
                .toList();
        if (keys.isEmpty())
            throw new IOException("of its " + all.size() + " keys none is of use: RSA with at least " + LEAST_RSA_BITS
                    + " bits, or EC" + (secrets ? ", or secrets with at least " + LEAST_SECRET_BITS + " bits" : ""));
        if (keys.size() > MOST_KEYS) throw new IOException("it has " + keys.size() + " keys, more than " + MOST_KEYS);
        return keys;
    }

    private static JWK usable(JWK key, boolean secrets) {
        return switch (key) {
            case RSAKey rsa -> rsa.size() >= LEAST_RSA_BITS ? rsa.toPublicJWK() : null;
            case ECKey ec -> ec.toPublicJWK();
            case OctetSequenceKey secret -> secrets && secret.size() >= LEAST_SECRET_BITS ? secret : null;
            default -> null;
        };
    }

    private static List<JWK> jwks(String text) throws IOException {
        try {
            return JWKSet.parse(text).getKeys();
        } catch (ParseException | RuntimeException | StackOverflowError wrong) {
            throw new IOException("it is no JSON Web Key Set: " + wrong.getMessage());
        }
    }

    private static List<JWK> pem(String text) throws IOException {
        var keys = new ArrayList<JWK>();
        var found = PEM.matcher(text);
        while (found.find()) {
            try {
                var der = Base64.getMimeDecoder().decode(found.group(2));
                keys.add(jwk(found.group(1).equals("CERTIFICATE") ? ofCertificate(der) : publicKey(der)));
            } catch (GeneralSecurityException | JOSEException | RuntimeException wrong) {
                throw new IOException("its " + found.group(1) + " number " + (keys.size() + 1) + " cannot be read: "
                        + wrong.getMessage());
            }
        }
        return keys;
    }

    private static PublicKey ofCertificate(byte[] der) throws GeneralSecurityException {
        return CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(der))
                .getPublicKey();
    }

    private static PublicKey publicKey(byte[] der) throws GeneralSecurityException {
        var encoded = new X509EncodedKeySpec(der);
        try {
            return KeyFactory.getInstance("RSA").generatePublic(encoded);
        } catch (GeneralSecurityException _) {
            return KeyFactory.getInstance("EC").generatePublic(encoded);
        }
    }

    private static JWK jwk(PublicKey key) throws JOSEException {
        return switch (key) {
            case RSAPublicKey rsa -> new RSAKey.Builder(rsa).build();
            case ECPublicKey ec -> {
                var curve = Curve.forECParameterSpec(ec.getParams());
                if (curve == null) throw new JOSEException("its curve is not one of P-256, P-384 and P-521");
                yield new ECKey.Builder(curve, ec).build();
            }
            default -> throw new JOSEException("it is neither RSA nor EC, but " + key.getAlgorithm());
        };
    }
}
