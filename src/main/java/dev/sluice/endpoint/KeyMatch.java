package dev.sluice.endpoint;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Map;
import javax.net.ssl.X509KeyManager;

/** Whether keys belong to their certificates, which nobody asks who loads them. Stateless; it computes for a few milliseconds. */
final class KeyMatch {
    private static final byte[] ANYTHING = {1, 2, 3};
    private static final Map<String, String> ALGORITHMS =
            Map.of("EC", "SHA256withECDSA", "RSA", "SHA256withRSA", "EdDSA", "EdDSA");

    private KeyMatch() {}

    static boolean isIn(X509KeyManager keys) {
        try {
            for (var algorithm : ALGORITHMS.entrySet()) {
                var aliases = keys.getServerAliases(algorithm.getKey(), null);
                if (aliases == null) continue;
                for (var alias : aliases) {
                    var certificate = keys.getCertificateChain(alias)[0];
                    if (!fit(keys.getPrivateKey(alias), certificate.getPublicKey(), algorithm.getValue())) return false;
                }
            }
            return true;
        } catch (GeneralSecurityException _) {
            return false;
        }
    }

    private static boolean fit(PrivateKey own, PublicKey certified, String algorithm) throws GeneralSecurityException {
        var signing = Signature.getInstance(algorithm);
        signing.initSign(own);
        signing.update(ANYTHING);
        var signature = signing.sign();
        signing.initVerify(certified);
        signing.update(ANYTHING);
        return signing.verify(signature);
    }
}
