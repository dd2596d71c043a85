package dev.sluice.fault;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The gateway's jar of an earlier commit, which is built in a folder of its own unless it is there. Used by the test's thread. */
final class EarlierJar {
    private static final List<String> BUILD =
            List.of("mvn", "-q", "-B", "package", "-DskipTests", "-Dspotless.check.skip");

    private EarlierJar() {}

    /**
     * Takes some minutes for a commit that is not built yet.
     *
     * @param jarOrCommit a file, or what git calls a commit, such as {@code HEAD~1}
     */
    static Path of(String jarOrCommit) throws IOException, InterruptedException {
        var file = Path.of(jarOrCommit).toAbsolutePath();
        if (Files.isRegularFile(file)) return file;
        var commit = commit(jarOrCommit);
        var folder = Path.of("target", "earlier", commit).toAbsolutePath();
        var jar = folder.resolve("target/sluice.jar");
        if (Files.exists(jar)) return jar;
        Files.createDirectories(folder);
        run(Path.of("."), List.of("sh", "-c", "git archive " + commit + " | tar -x -C '" + folder + "'"), folder);
        // What this build has needed is there already, mostly; else it is fetched.
        if (run(folder, offline(), folder) != 0 && run(folder, BUILD, folder) != 0)
            throw new IllegalStateException("commit " + commit + " does not build: see " + log(folder));
        return jar;
    }

    private static List<String> offline() {
        return List.of("sh", "-c", String.join(" ", BUILD) + " -o");
    }

    private static String commit(String name) throws IOException, InterruptedException {
        var git = new ProcessBuilder("git", "rev-parse", "--verify", "--quiet", name + "^{commit}").start();
        var commit = new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
        if (git.waitFor() != 0)
            abort("there is no commit " + name + " here: a clone without its history has none (git fetch --unshallow)");
        return commit;
    }

    private static Path log(Path folder) {
        return folder.resolveSibling(folder.getFileName() + ".log");
    }

    private static int run(Path where, List<String> command, Path folder) throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                .directory(where.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log(folder).toFile())
                .start()
                .waitFor();
    }
}
