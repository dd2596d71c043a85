package dev.sluice.access.token;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.KeyConverter;
import com.nimbusds.jwt.SignedJWT;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * An issuer whose tokens are taken for true. Any virtual thread may use it.
 *
 * @param name that the configuration has for it
 * @param issuer the claim {@code iss}
 * @param skew how far its clock may be from ours
 */
record Issuer(
        String name, String issuer, Set<String> audience, Set<JWSAlgorithm> algorithms, KeySet keys, Duration skew) {
    private static final DefaultJWSVerifierFactory VERIFIERS = new DefaultJWSVerifierFactory();

    /** May wait for the keys. */
    void requireSigned(SignedJWT token) throws TokenRefused {
        var header = token.getHeader();
        if (!algorithms.contains(header.getAlgorithm()))
            throw TokenRefused.bad("its algorithm " + header.getAlgorithm() + " is not one of " + algorithms);
        var candidates = keys.find(header);
        for (var key : KeyConverter.toJavaKeys(List.copyOf(candidates))) {
            try {
                if (token.verify(VERIFIERS.createJWSVerifier(header, key))) return;
            } catch (JOSEException | IllegalStateException unfit) {
                throw TokenRefused.bad("its signature cannot be checked: " + unfit.getMessage());
            }
        }
        throw TokenRefused.bad("its signature is wrong");
    }
}
