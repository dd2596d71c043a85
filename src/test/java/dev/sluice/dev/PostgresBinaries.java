package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The PostgreSQL programs that Zonky packs for this kind of machine, unpacked once beside the classes; stateless. */
final class PostgresBinaries {
    private PostgresBinaries() {}

    /** The command line of one of the programs; PostgreSQL refuses root, so root runs it in a user namespace of its own. */
    static List<String> command(String program, String... arguments) {
        var words = new ArrayList<String>();
        if (LinuxUtils.isUnshareAvailable()) {
            words.addAll(List.of("unshare", "-U"));
        }
        words.add(folder().resolve("bin").resolve(program).toString());
        words.addAll(List.of(arguments));
        return words;
    }

    static synchronized Path folder() {
        var folder = ToolClasspath.target().resolve("postgres");
        if (!Files.exists(folder)) {
            try {
                unpackTo(folder);
            } catch (IOException e) {
                throw new Complaint("cannot unpack PostgreSQL to " + folder + ": " + e.getMessage(), e);
            }
        }
        return folder;
    }

    /** Unpacks beside the folder and renames, so that the folder is whole when it is there; another process may be as far. */
    private static void unpackTo(Path folder) throws IOException {
        var unpacked = Files.createTempDirectory(folder.getParent(), "postgres-");
        unpacked.toFile().setExecutable(true, false);
        unpacked.toFile().setReadable(true, false);
        var packed = DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(
                System.getProperty("os.name").startsWith("Mac") ? "Darwin" : System.getProperty("os.name"),
                System.getProperty("os.arch"));
        try (var tar = new TarArchiveInputStream(new XZInputStream(packed))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                unpack(entry, tar, unpacked.resolve(entry.getName()));
            }
        }
        try {
            Files.move(unpacked, folder);
        } catch (FileAlreadyExistsException _) {
            delete(unpacked);
        }
    }

    private static void unpack(TarArchiveEntry entry, TarArchiveInputStream tar, Path file) throws IOException {
        if (entry.isDirectory()) {
            Files.createDirectories(file);
            return;
        }
        Files.createDirectories(file.getParent());
        if (entry.isSymbolicLink()) {
            Files.createSymbolicLink(file, Path.of(entry.getLinkName()));
            return;
        }
        Files.copy(tar, file);
        if ((entry.getMode() & 0100) != 0 || file.getParent().endsWith("bin")) {
            file.toFile().setExecutable(true, false);
        }
    }

    static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
