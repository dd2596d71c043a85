package dev.sluice.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Makes key stores in a folder, by the JDK's keytool; used by one thread. */
record KeyStores(Path folder) {
    static final String PASSWORD = "changeit";

    /** A key pair with a certificate for 127.0.0.1 that it has signed itself. */
    Path pair(String name, String commonName) {
        keytool(
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + commonName,
                "-ext",
                "SAN=IP:127.0.0.1",
                "-validity",
                "2",
                "-keystore",
                name + ".p12");
        return folder.resolve(name + ".p12");
    }

    /** A store that holds the certificate of a pair and nothing else. */
    Path trustIn(String name) {
        keytool("-exportcert", "-alias", name, "-file", name + ".cer", "-keystore", name + ".p12");
        var store = "trust-in-" + name + ".p12";
        keytool("-importcert", "-noprompt", "-alias", name, "-file", name + ".cer", "-keystore", store);
        return folder.resolve(store);
    }

    private void keytool(String... arguments) {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-storetype", "PKCS12", "-storepass", PASSWORD));
        try {
            var log = folder.resolve("keytool.log").toFile();
            var process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                    .start();
            if (process.waitFor() != 0) throw new AssertionError(Files.readString(log.toPath()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
