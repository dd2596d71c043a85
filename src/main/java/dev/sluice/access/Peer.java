package dev.sluice.access;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * Who is at the other end of a socket, as its upgrade has said. Immutable; nothing of it keeps the request.
 *
 * @param address IP address of the client itself, without a port; null if it has none, as with a Unix socket
 * @param socketAddress address and port for the log
 * @param tls whether the client itself speaks TLS
 * @param certificates the client's own first; verified; empty without
 * @param commonName of the subject of a certificate of which a proxy, which has verified it, hands on no more; null without
 * @param authorization {@code Bearer ...} or whatever else the configured place of the upgrade held; null without
 * @param path of the upgrade, without its query
 */
public record Peer(
        String address,
        String socketAddress,
        boolean tls,
        List<X509Certificate> certificates,
        String commonName,
        String authorization,
        String path) {
    public Peer {
        certificates = List.copyOf(certificates);
    }

    /** One whose certificates, if any, are known. */
    public Peer(
            String address,
            String socketAddress,
            boolean tls,
            List<X509Certificate> certificates,
            String authorization,
            String path) {
        this(address, socketAddress, tls, certificates, null, authorization, path);
    }

    /** Whether the client has shown a certificate, to the gateway or to a proxy that has verified it. */
    public boolean hasCertificate() {
        return commonName != null || !certificates.isEmpty();
    }

    /** The same without its credential, once that was judged. */
    public Peer withoutAuthorization() {
        return authorization == null
                ? this
                : new Peer(address, socketAddress, tls, certificates, commonName, null, path);
    }

    /** Without the credential. */
    @Override
    public String toString() {
        return socketAddress;
    }
}
