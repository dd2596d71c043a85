package dev.sluice.support;

import dev.sluice.dev.CertificateAuthority.Certified;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** How a client speaks TLS: whom it trusts, what it shows, which versions it offers (all if none is named); immutable, but for the sessions that it resumes. */
public record Tls(X509Certificate authority, Certified own, SSLContext kept, String... versions) {
    private static final char[] PASSWORD = {};

    public static Tls trusting(X509Certificate authority, String... versions) {
        return new Tls(authority, null, null, versions);
    }

    public Tls with(Certified own) {
        return new Tls(authority, own, null, versions);
    }

    /** One that resumes its session from one connection to the next. */
    public Tls resuming() {
        return new Tls(authority, own, context(), versions);
    }

    /** Puts TLS on a socket, without the handshake. */
    public SSLSocket over(Socket socket) {
        try {
            var layered =
                    (SSLSocket) context().getSocketFactory().createSocket(socket, "localhost", socket.getPort(), true);
            if (versions.length > 0) layered.setEnabledProtocols(versions);
            return layered;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a server on this machine shows now; throws when that is not to be trusted. */
    public X509Certificate serverCertificate(int port) throws IOException {
        try (var socket = over(new Socket(InetAddress.getLoopbackAddress(), port))) {
            socket.startHandshake();
            return (X509Certificate) socket.getSession().getPeerCertificates()[0];
        }
    }

    /** Made anew each time, unless it is to resume sessions. */
    public SSLContext context() {
        if (kept != null) return kept;
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(shown().getKeyManagers(), trusted().getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whom it trusts. */
    public TrustManagerFactory trusted() {
        try {
            var trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            trusted.setCertificateEntry("authority", authority);
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            return trust;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What it shows. */
    public KeyManagerFactory shown() {
        try {
            var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            var shown = KeyStore.getInstance("PKCS12");
            shown.load(null, null);
            if (own != null) shown.setKeyEntry("own", own.key(), PASSWORD, new Certificate[] {own.certificate()});
            keys.init(shown, PASSWORD);
            return keys;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
