package dev.sluice.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CRLConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A made-up certificate authority and the certificates that it signs, for tests and for {@code ./sluice run}; used by one thread. */
public final class CertificateAuthority {
    private static final Duration VALIDITY = Duration.ofDays(30);
    private static final Duration AUTHORITYS_VALIDITY = Duration.ofDays(3650);
    private static final Duration CLOCKS_DIFFER_BY = Duration.ofHours(1);

    private final Certified own;

    /** A key and its certificate. */
    public record Certified(PrivateKey key, X509Certificate certificate) {
        /** Writes both as PEM, to {@code <name>.key} and {@code <name>.crt}, each in one step, so that nobody reads half a file. */
        public Certified write(Path folder, String name) {
            replace(folder.resolve(name + ".key"), pem("PRIVATE KEY", key.getEncoded()));
            replace(folder.resolve(name + ".crt"), pemOf(certificate));
            return this;
        }
    }

    private CertificateAuthority(Certified own) {
        this.own = own;
    }

    /** @param name its common name */
    public static CertificateAuthority named(String name) {
        var keys = keys();
        var subject = new X500Principal("CN=" + name);
        return new CertificateAuthority(
                sign(subject, keys, subject, keys.getPrivate(), true, AUTHORITYS_VALIDITY, List.of()));
    }

    /** The one that was written to a folder under a name, or a new one, which then is. */
    public static CertificateAuthority kept(Path folder, String name) {
        if (!Files.exists(folder.resolve(name + ".key"))) {
            var made = named("Sluice " + name);
            made.own.write(folder, name);
            return made;
        }
        try (var certificate = Files.newInputStream(folder.resolve(name + ".crt"))) {
            var key = Files.readString(folder.resolve(name + ".key")).replaceAll("-----.*?-----|\\s", "");
            return new CertificateAuthority(new Certified(
                    KeyFactory.getInstance("EC")
                            .generatePrivate(
                                    new PKCS8EncodedKeySpec(Base64.getDecoder().decode(key))),
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(certificate)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    folder + " does not hold the authority " + name + " any more; delete it", e);
        }
    }

    public X509Certificate certificate() {
        return own.certificate;
    }

    /** A certificate of a server for 127.0.0.1 and localhost. */
    public Certified server() {
        return leaf(
                "CN=localhost",
                VALIDITY,
                new GeneralName(GeneralName.iPAddress, "127.0.0.1"),
                new GeneralName(GeneralName.dNSName, "localhost"));
    }

    /** @param subject a distinguished name, such as {@code CN=truck-17,OU=fleet} */
    public Certified client(String subject, GeneralName... names) {
        return leaf(subject, VALIDITY, names);
    }

    /** A certificate that is valid for that long from now on; not at all if the time is negative. */
    public Certified leaf(String subject, Duration validity, GeneralName... names) {
        var keys = keys();
        return sign(
                new X500Principal(subject),
                keys,
                own.certificate.getSubjectX500Principal(),
                own.key,
                false,
                validity,
                List.of(names));
    }

    /** The list, in PEM, that revokes these. */
    public String revoking(Collection<X509Certificate> revoked) {
        try {
            var builder = new JcaX509v2CRLBuilder(own.certificate.getSubjectX500Principal(), date(Duration.ZERO));
            builder.setNextUpdate(date(VALIDITY));
            for (var certificate : revoked)
                builder.addCRLEntry(certificate.getSerialNumber(), date(Duration.ZERO), CRLReason.keyCompromise);
            var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(own.key);
            X509CRL list = new JcaX509CRLConverter().getCRL(builder.build(signer));
            return pem("X509 CRL", list.getEncoded());
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    public static String pemOf(X509Certificate certificate) {
        try {
            return pem("CERTIFICATE", certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(String what, byte[] encoded) {
        var lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded);
        return "-----BEGIN " + what + "-----\n" + lines + "\n-----END " + what + "-----\n";
    }

    /** Puts a file in the place of another one in one step. */
    public static void replace(Path file, String text) {
        try {
            var made = Files.createTempFile(file.getParent(), "made", "");
            Files.writeString(made, text, StandardCharsets.US_ASCII);
            Files.move(
                    made,
                    file,
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING,
                    java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KeyPair keys() {
        try {
            var generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(256);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Certified sign(
            X500Principal subject,
            KeyPair keys,
            X500Principal issuer,
            PrivateKey issuersKey,
            boolean isAuthority,
            Duration validity,
            List<GeneralName> names) {
        try {
            var builder = new JcaX509v3CertificateBuilder(
                    X500Name.getInstance(issuer.getEncoded()),
                    new BigInteger(63, new SecureRandom()).add(BigInteger.ONE),
                    date(validity.isNegative() ? validity.multipliedBy(2) : CLOCKS_DIFFER_BY.negated()),
                    date(validity),
                    X500Name.getInstance(subject.getEncoded()),
                    keys.getPublic());
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isAuthority));
            if (!names.isEmpty())
                builder.addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(new ArrayList<>(names).toArray(GeneralName[]::new)));
            var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(issuersKey);
            return new Certified(
                    keys.getPrivate(), new JcaX509CertificateConverter().getCertificate(builder.build(signer)));
        } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Date date(Duration fromNow) {
        return Date.from(Instant.now().plus(fromNow));
    }
}
