package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Who a client with a certificate is, for the method `certificate`. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.access.certificate")
public interface CertificateConfig {
    /** What of a certificate is the user name. */
    @WithDefault("subject-cn")
    Name name();

    /** What of it are the user's groups. */
    @WithDefault("none")
    Groups groups();

    /** The client identifiers that it is good for. */
    @WithDefault("any")
    ClientId clientId();

    /** A part of a certificate. */
    enum Name {
        /** The common name of the subject. */
        SUBJECT_CN,
        /** The whole subject, as RFC 2253 writes it. */
        SUBJECT_DN,
        /** The first alternative name that is one of a host. */
        SAN_DNS,
        /** The first one that is a URI. */
        SAN_URI,
        /** The first one that is an address of mail. */
        SAN_EMAIL
    }

    /** A part of a certificate. */
    enum Groups {
        NONE,
        /** The organizational units of the subject. */
        OU
    }

    /** Client identifiers. */
    enum ClientId {
        ANY,
        /** The one that equals the user name. */
        SAME
    }
}
