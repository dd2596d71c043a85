package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * The data folder of a new PostgreSQL with the database {@code sluice}, made once for each unpacked PostgreSQL and copied from then on, which
 * takes a sixth of the time; any thread may ask.
 */
final class PostgresTemplate {
    private static final String DATABASE = "CREATE DATABASE sluice;\n";

    private PostgresTemplate() {}

    /** Makes the folder, which is not there; what initdb says goes to the log if it fails. */
    static void copyTo(Path folder, Path log) {
        try {
            var unfinished = folder.resolveSibling(folder.getFileName() + ".new");
            copy(made(log), unfinished);
            Files.move(unfinished, folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes it beside its place and renames, so that it is whole when it is there; another process may be as far. */
    private static synchronized Path made(Path log) throws IOException {
        var template = PostgresBinaries.folder().resolve("template");
        if (Files.exists(template)) return template;
        var made = Files.createTempDirectory(template.getParent(), "template-");
        run(
                log,
                "",
                "initdb",
                "-D" + made,
                "-U" + EmbeddedPostgresServer.USER,
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync");
        run(log, DATABASE, "postgres", "--single", "-D" + made, "-cfsync=off", "postgres");
        try {
            Files.move(made, template);
        } catch (FileAlreadyExistsException _) {
            PostgresBinaries.delete(made);
        }
        return template;
    }

    private static void run(Path log, String input, String program, String... arguments) throws IOException {
        Files.createDirectories(log.getParent());
        var process = new ProcessBuilder(PostgresBinaries.command(program, arguments))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        try (var out = process.getOutputStream()) {
            out.write(input.getBytes(StandardCharsets.US_ASCII));
        }
        try {
            if (process.waitFor() == 0) return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Complaint("interrupted while PostgreSQL was starting", e);
        }
        throw new Complaint(
                "PostgreSQL's " + program + " failed. Its log is " + log + ":\n" + ServerProcess.tail(log, 8));
    }

    /** With the permissions: PostgreSQL's folders are for their owner alone. */
    private static void copy(Path from, Path to) throws IOException {
        if (Files.exists(to)) PostgresBinaries.delete(to);
        Files.createDirectories(to.getParent());
        List<Path> all;
        try (var files = Files.walk(from)) {
            all = files.toList();
        }
        for (var file : all) Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
    }
}
