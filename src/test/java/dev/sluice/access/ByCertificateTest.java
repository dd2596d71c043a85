package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.config.CertificateConfig;
import dev.sluice.config.CertificateConfig.ClientId;
import dev.sluice.config.CertificateConfig.Groups;
import dev.sluice.config.CertificateConfig.Name;
import dev.sluice.dev.CertificateAuthority;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByCertificateTest {
    private static final CertificateAuthority AUTHORITY = CertificateAuthority.named("authority");
    private static final X509Certificate CERTIFICATE = AUTHORITY
            .client(
                    "CN=truck-17,OU=fleet,OU=north,O=Example",
                    new GeneralName(GeneralName.iPAddress, "192.0.2.1"),
                    new GeneralName(GeneralName.dNSName, "truck-17.example"),
                    new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://example/truck-17"),
                    new GeneralName(GeneralName.rfc822Name, "truck@example"))
            .certificate();

    private record Config(Name name, Groups groups, ClientId clientId) implements CertificateConfig {
        static Config of(Name name) {
            return new Config(name, Groups.NONE, ClientId.ANY);
        }
    }

    private static Attempt attempt(String clientId, X509Certificate certificate) {
        var peer = new Peer("192.0.2.1", "192.0.2.1:1", true, List.of(certificate), null, "/mqtt");
        return new Attempt(peer, clientId, "somebody", null);
    }

    private static Verdict judge(Config config, X509Certificate certificate) {
        return new ByCertificate(config).judge(attempt("truck-17", certificate));
    }

    private static Verdict judge(Name name, String subject) {
        return judge(Config.of(name), AUTHORITY.client(subject).certificate());
    }

    private static void assertDenied(Verdict verdict, Reason reason) {
        assertThat(verdict).isInstanceOfSatisfying(Verdict.Denied.class, denied -> assertThat(denied.reason())
                .isEqualTo(reason));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SUBJECT_CN | truck-17",
                "SUBJECT_DN | CN=truck-17,OU=fleet,OU=north,O=Example",
                "SAN_DNS | truck-17.example",
                "SAN_URI | spiffe://example/truck-17",
                "SAN_EMAIL | truck@example"
            })
    void theNameIsTheConfiguredPart(Name part, String name) {
        var until = CERTIFICATE.getNotAfter().toInstant();
        assertThat(judge(Config.of(part), CERTIFICATE))
                .isEqualTo(new Verdict.Granted(
                        new Identity(name, Set.of(), java.util.Map.of(), Method.CERTIFICATE, until)));
    }

    @Test
    void unitsAreGroups() {
        assertThat(judge(new Config(Name.SUBJECT_CN, Groups.OU, ClientId.ANY), CERTIFICATE))
                .isInstanceOfSatisfying(
                        Verdict.Granted.class,
                        granted -> assertThat(granted.identity().groups()).containsExactlyInAnyOrder("fleet", "north"));
    }

    /** A name inside of another attribute's value is none, and of two nobody knows which one is meant. */
    @Test
    void aNameIsNotGuessed() {
        assertDenied(judge(Name.SUBJECT_CN, "O=Example"), Reason.BAD_CREDENTIALS);
        assertDenied(judge(Name.SUBJECT_CN, "CN=a,CN=b"), Reason.BAD_CREDENTIALS);
        assertDenied(judge(Name.SUBJECT_CN, "CN=a+CN=b"), Reason.BAD_CREDENTIALS);
        assertDenied(judge(Name.SUBJECT_CN, "O=\"x,CN=admin\""), Reason.BAD_CREDENTIALS);
        assertDenied(judge(Name.SUBJECT_CN, "CN=\" \""), Reason.BAD_CREDENTIALS);
        assertDenied(judge(Name.SAN_DNS, "CN=a"), Reason.BAD_CREDENTIALS);
        assertThat(judge(Name.SUBJECT_CN, "CN=\"a,CN=admin\"+O=x"))
                .isInstanceOfSatisfying(
                        Verdict.Granted.class,
                        granted -> assertThat(granted.identity().name()).isEqualTo("a,CN=admin"));
    }

    @Test
    void aCertificateThatHasRunOutProvesNothing() {
        assertDenied(
                judge(
                        Config.of(Name.SUBJECT_CN),
                        AUTHORITY.leaf("CN=truck-17", Duration.ofHours(-1)).certificate()),
                Reason.BAD_CREDENTIALS);
    }

    @Test
    void itMayBeGoodForOneClientIdOnly() {
        var method = new ByCertificate(new Config(Name.SUBJECT_CN, Groups.NONE, ClientId.SAME));
        assertThat(method.judge(attempt("truck-17", CERTIFICATE))).isInstanceOf(Verdict.Granted.class);
        assertDenied(method.judge(attempt("truck-18", CERTIFICATE)), Reason.NOT_AUTHORIZED);
    }

    @Test
    void aProxyMayHandOnTheCommonNameAlone() {
        var peer = new Peer("192.0.2.1", "192.0.2.1:1", true, List.of(), "truck-17", null, "/mqtt");
        var attempt = new Attempt(peer, "truck-17", null, null);
        assertThat(new ByCertificate(Config.of(Name.SUBJECT_CN)).judge(attempt))
                .isEqualTo(new Verdict.Granted(
                        new Identity("truck-17", Set.of(), java.util.Map.of(), Method.CERTIFICATE, null)));
        assertDenied(new ByCertificate(Config.of(Name.SAN_DNS)).judge(attempt), Reason.BAD_CREDENTIALS);
    }

    @Test
    void itConcernsWhoHasACertificateAndNoMethodOfItsOwn() {
        var method = new ByCertificate(Config.of(Name.SUBJECT_CN));
        var attempt = attempt("a", CERTIFICATE);
        assertThat(method.concerns(attempt)).isTrue();
        assertThat(method.concerns(new Attempt(attempt.peer(), "a", null, null, "SCRAM-SHA-256", null)))
                .isFalse();
        var without = new Peer("192.0.2.1", "192.0.2.1:1", true, List.of(), null, "/mqtt");
        assertThat(method.concerns(new Attempt(without, "a", null, null))).isFalse();
    }

    /** Whatever else the client has, and however it proves who it is. */
    @Test
    void aRevokedCertificateLetsNobodyIn() {
        var authenticator =
                new Authenticator(List.of("anonymous"), List.of(new Anonymous()), chain -> chain.contains(CERTIFICATE));
        assertDenied(authenticator.judge(attempt("a", CERTIFICATE)), Reason.NOT_AUTHORIZED);
        assertThat(authenticator.judge(attempt("a", AUTHORITY.client("CN=b").certificate())))
                .isInstanceOf(Verdict.Granted.class);
    }
}
