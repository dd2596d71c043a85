package dev.sluice.support;

import dev.sluice.dev.CertificateAuthority.Certified;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;

/** Writes key stores to a folder; used by one thread. */
record KeyStores(Path folder) {
    static final String PASSWORD = "changeit";

    private interface Entry {
        void put(KeyStore store) throws GeneralSecurityException;
    }

    /** A key with its certificate. */
    Path pair(String name, Certified own) {
        return write(
                name,
                store -> store.setKeyEntry(
                        name, own.key(), PASSWORD.toCharArray(), new Certificate[] {own.certificate()}));
    }

    /** A store that holds the certificate of an authority and nothing else. */
    Path trustIn(String name, X509Certificate authority) {
        return write("trust-in-" + name, store -> store.setCertificateEntry(name, authority));
    }

    private Path write(String name, Entry entry) {
        var file = folder.resolve(name + ".p12");
        try (var out = Files.newOutputStream(file)) {
            var store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            entry.put(store);
            store.store(out, PASSWORD.toCharArray());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
