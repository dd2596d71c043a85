package dev.sluice.access;

import dev.sluice.config.CertificateConfig;
import dev.sluice.config.CertificateConfig.ClientId;
import dev.sluice.config.CertificateConfig.Groups;
import dev.sluice.config.CertificateConfig.Name;
import jakarta.inject.Singleton;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Takes a client for whom its certificate names, which TLS or a trusted proxy has verified. Immutable. */
@Singleton
final class ByCertificate implements Authentication {
    private final CertificateConfig config;

    ByCertificate(CertificateConfig config) {
        this.config = config;
    }

    @Override
    public Method method() {
        return Method.CERTIFICATE;
    }

    @Override
    public boolean concerns(Attempt attempt) {
        return attempt.authenticationMethod() == null && attempt.peer().hasCertificate();
    }

    @Override
    public Verdict judge(Attempt attempt) {
        var peer = attempt.peer();
        return peer.certificates().isEmpty()
                ? judgeName(attempt, peer.commonName())
                : judge(attempt, peer.certificates().getFirst());
    }

    /** A proxy has said no more of the certificate. */
    private Verdict judgeName(Attempt attempt, String commonName) {
        if (config.name() != Name.SUBJECT_CN)
            return denied("its proxy hands on the common name of a certificate and nothing else");
        return granted(attempt, commonName, Set.of(), null);
    }

    private Verdict judge(Attempt attempt, X509Certificate certificate) {
        var ends = certificate.getNotAfter().toInstant();
        if (!ends.isAfter(Instant.now())) return denied("its certificate has run out");
        var name = name(certificate);
        if (name == null)
            return denied("its certificate, of " + CertificateNames.subject(certificate) + ", has no "
                    + config.name().name().toLowerCase(java.util.Locale.ROOT).replace('_', '-')
                    + ", or more than one (sluice.access.certificate.name)");
        var groups = config.groups() == Groups.OU
                ? Set.copyOf(CertificateNames.ofSubject(certificate, "OU"))
                : Set.<String>of();
        return granted(attempt, name, groups, ends);
    }

    private Verdict granted(Attempt attempt, String name, Set<String> groups, Instant until) {
        if (name.isBlank()) return denied("the name in its certificate is empty");
        if (config.clientId() == ClientId.SAME && !name.equals(attempt.clientId()))
            return new Verdict.Denied(
                    Reason.NOT_AUTHORIZED, "its certificate is that of " + name + ", and good for no other client id");
        return new Verdict.Granted(new Identity(name, groups, Map.of(), Method.CERTIFICATE, until));
    }

    private static Verdict denied(String logText) {
        return new Verdict.Denied(Reason.BAD_CREDENTIALS, logText);
    }

    /** Null if there is none, or more than one common name to choose from. */
    private String name(X509Certificate certificate) {
        return switch (config.name()) {
            case SUBJECT_CN -> only(CertificateNames.ofSubject(certificate, "CN"));
            case SUBJECT_DN -> CertificateNames.subject(certificate);
            case SAN_DNS -> CertificateNames.alternative(certificate, CertificateNames.DNS);
            case SAN_URI -> CertificateNames.alternative(certificate, CertificateNames.URI);
            case SAN_EMAIL -> CertificateNames.alternative(certificate, CertificateNames.EMAIL);
        };
    }

    private static String only(List<String> values) {
        return values.size() == 1 ? values.getFirst() : null;
    }
}
