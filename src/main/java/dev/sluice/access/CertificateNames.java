package dev.sluice.access;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import javax.naming.InvalidNameException;
import javax.naming.NamingException;
import javax.naming.ldap.LdapName;
import javax.security.auth.x500.X500Principal;

/** The names in a certificate. Stateless. */
final class CertificateNames {
    /** Kinds of alternative names (RFC 5280, section 4.2.1.6). */
    static final int EMAIL = 1;

    static final int DNS = 2;
    static final int URI = 6;

    private CertificateNames() {}

    static String subject(X509Certificate certificate) {
        return certificate.getSubjectX500Principal().getName(X500Principal.RFC2253);
    }

    /** The values of an attribute of the subject, such as {@code CN}, in the order of the subject; empty for none. */
    static List<String> ofSubject(X509Certificate certificate, String attribute) {
        var values = new ArrayList<String>();
        try {
            for (var part : new LdapName(subject(certificate)).getRdns()) {
                var attributes = part.toAttributes().getAll();
                while (attributes.hasMore()) {
                    var next = attributes.next();
                    if (!next.getID().equalsIgnoreCase(attribute)) continue;
                    for (var value : Collections.list(next.getAll()))
                        if (value instanceof String text) values.add(text);
                }
            }
        } catch (InvalidNameException e) {
            throw new IllegalStateException("the JDK writes no name that it cannot read", e);
        } catch (NamingException _) {
            return List.of();
        }
        return values;
    }

    /** The first alternative name of a kind, null for none. */
    static String alternative(X509Certificate certificate, int kind) {
        try {
            Collection<List<?>> names = certificate.getSubjectAlternativeNames();
            if (names == null) return null;
            for (var name : names) if (name.getFirst().equals(kind) && name.get(1) instanceof String text) return text;
            return null;
        } catch (CertificateParsingException _) {
            return null;
        }
    }
}
