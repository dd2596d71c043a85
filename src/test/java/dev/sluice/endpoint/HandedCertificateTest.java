package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.dev.CertificateAuthority;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HandedCertificateTest {
    private static final X509Certificate CERTIFICATE = CertificateAuthority.named("authority")
            .client("CN=truck-17,OU=fleet")
            .certificate();
    private static final String PEM = CertificateAuthority.pemOf(CERTIFICATE);

    private static String der() {
        try {
            return Base64.getEncoder().encodeToString(CERTIFICATE.getEncoded());
        } catch (java.security.cert.CertificateEncodingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String encoded() {
        return URLEncoder.encode(PEM, StandardCharsets.US_ASCII).replace("+", "%20");
    }

    static Stream<String> headers() {
        return Stream.of(
                encoded(), // nginx: $ssl_client_escaped_cert
                encoded().replace("%2B", "+").replace("%2F", "/").replace("%3D", "="), // ALB
                PEM.replace("\n", " "),
                PEM.replace("\n", "\t"),
                der(), // HAProxy: ssl_c_der,base64
                ":" + der() + ":", // RFC 9440
                "Cert=\"" + encoded() + "\"",
                "Hash=0123;Cert=\"" + encoded() + "\";Subject=\"CN=truck-17,OU=fleet\";URI=");
    }

    @ParameterizedTest
    @MethodSource("headers")
    void everyProxysWayIsRead(String header) {
        assertThat(HandedCertificate.parse(header)).isEqualTo(CERTIFICATE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", "-", "(null)"})
    void noneIsNone(String header) {
        assertThat(HandedCertificate.parse(header)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CN=truck-17",
                "AAAA",
                "%%%",
                "-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----",
                "Subject=\"CN=a\""
            })
    void whatIsNoCertificateIsRefused(String header) {
        assertThatThrownBy(() -> HandedCertificate.parse(header)).isInstanceOf(IllegalArgumentException.class);
    }

    /** The first one is the client's word, if the proxy only adds its own. */
    @Test
    void severalAreRefused() {
        var element = "Cert=\"" + encoded() + "\"";
        assertThatThrownBy(() -> HandedCertificate.parse(element + "," + element))
                .hasMessageContaining("several elements");
        assertThatThrownBy(() -> HandedCertificate.parse(der().replace("=", "") + "AAAA"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
