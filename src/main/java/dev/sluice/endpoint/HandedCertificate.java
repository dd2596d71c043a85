package dev.sluice.endpoint;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.regex.Pattern;

/**
 * A client's certificate as proxies write it into a header: PEM, percent-encoded (nginx, ALB) or with its line breaks as blanks or tabs; DER
 * in Base64 (HAProxy), between colons as well (RFC 9440); or the key {@code Cert} of Envoy's {@code X-Forwarded-Client-Cert}. Stateless.
 */
final class HandedCertificate {
    private static final Pattern ENVOY = Pattern.compile("(?:^|;)Cert=\"?([^\";,]*)\"?", Pattern.CASE_INSENSITIVE);
    private static final Pattern ENVOYS =
            Pattern.compile("(?:By|Hash|Cert|Chain|Subject|URI|DNS)=.*", Pattern.CASE_INSENSITIVE);
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", Pattern.DOTALL);

    private HandedCertificate() {}

    /**
     * Null for a header that says that there is no certificate.
     *
     * @throws IllegalArgumentException for what is no certificate, or more than one, which says why
     */
    static X509Certificate parse(String header) {
        var text = header.strip();
        if (ENVOYS.matcher(text).matches()) text = envoys(text);
        if (text.isEmpty() || text.equals("-") || text.equals("(null)")) return null;
        var pem = PEM.matcher(percentDecoded(text));
        return certificate(base64(pem.find() ? pem.group(1) : text.replaceAll("^:|:$", "")));
    }

    private static String envoys(String text) {
        if (hasSeveralElements(text))
            throw new IllegalArgumentException(
                    "has several elements; have the proxy that devices reach set it anew (SANITIZE_SET)");
        var certificate = ENVOY.matcher(text);
        if (!certificate.find())
            throw new IllegalArgumentException(
                    "has no Cert; have the proxy add it (set_current_client_cert_details: cert)");
        return certificate.group(1);
    }

    /** A comma between elements is not in quotes, as one in a subject is. */
    private static boolean hasSeveralElements(String text) {
        return text.replaceAll("\"(?:[^\"\\\\]++|\\\\.)*+\"", "").contains(",");
    }

    /** Unlike in forms, a plus is a plus. */
    private static String percentDecoded(String text) {
        var out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) == '%' && i + 2 < text.length() && isHex(text, i + 1)) {
                out.append((char) Integer.parseInt(text, i + 1, i + 3, 16));
                i += 2;
            } else {
                out.append(text.charAt(i));
            }
        }
        return out.toString();
    }

    private static boolean isHex(String text, int at) {
        return Character.digit(text.charAt(at), 16) >= 0 && Character.digit(text.charAt(at + 1), 16) >= 0;
    }

    private static byte[] base64(String text) {
        try {
            return Base64.getDecoder().decode(text.replaceAll("\\s", ""));
        } catch (IllegalArgumentException _) {
            throw new IllegalArgumentException("holds no certificate: neither PEM nor DER in Base64");
        }
    }

    /** @param der one certificate, and nothing behind it */
    static X509Certificate certificate(byte[] der) {
        try {
            var in = new ByteArrayInputStream(der);
            var certificate =
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
            if (in.available() == 0) return certificate;
        } catch (CertificateException _) {
            // as for bytes behind it
        }
        throw new IllegalArgumentException("holds no X.509 certificate");
    }
}
