package dev.sluice.support;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Programs in other languages that tests run; one that is missing is a failure whose sentence says what to install. Owns the
 * folder of Node's modules; any thread may use it.
 */
public final class Programs {
    private static final Path SCRIPTS = Path.of("src/test/js");
    /** Never into the sources. */
    private static final Path MODULES = Path.of("target/js");

    private Programs() {}

    /** The folder with our scripts and pages, and MQTT.js in its {@code node_modules}. */
    public static synchronized Path mqttJs() {
        var npm = find("apt install nodejs npm", "npm");
        try (var turn = FileChannel.open(MODULES.resolveSibling("js.lock"), CREATE, WRITE)) {
            turn.lock(); // tests run in several processes
            copy(SCRIPTS, MODULES);
            var lock = Files.readString(MODULES.resolve("package-lock.json"));
            var installed = MODULES.resolve("installed");
            if (Files.exists(installed) && Files.readString(installed).equals(lock)) return MODULES;
            run(MODULES, Duration.ofMinutes(2), npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts");
            Files.writeString(installed, lock);
            return MODULES;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs what fetches libraries or builds a program, in a folder; it may take minutes. */
    public static void build(Path folder, String program, String... arguments) {
        run(folder, Duration.ofMinutes(8), with(find("apt install " + program, program), arguments));
    }

    /** Copies the files of a folder to another one; a file that is there with the same content stays, as others may read it. */
    public static Path copy(Path from, Path to) {
        try {
            Files.createDirectories(to);
            try (var files = Files.list(from)) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    var copy = to.resolve(file.getFileName());
                    if (!Files.exists(copy) || Files.mismatch(file, copy) >= 0)
                        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
                }
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs one of our scripts on Node. */
    public static void node(String... arguments) {
        var node = find("apt install nodejs npm", "node");
        run(mqttJs(), Duration.ofMinutes(1), with(node, arguments));
    }

    /** Runs a script on a Python that has Paho: Debian's own if another goes before it on the path. */
    public static void python(String... arguments) {
        var python = candidates("python3")
                .filter(candidate -> exitStatus(candidate, "-c", "import paho.mqtt.client") == 0)
                .findFirst()
                .orElseThrow(() -> missing("Python with Paho", "apt install python3-paho-mqtt"));
        run(Path.of("."), Duration.ofMinutes(1), with(python, arguments));
    }

    /** A Chromium, or the Chrome that is made of it. */
    public static String chromium() {
        return find("apt install chromium", "chromium", "chromium-browser", "google-chrome");
    }

    public static String nginx() {
        return find("apt install nginx", "nginx");
    }

    public static String haproxy() {
        return find("apt install haproxy", "haproxy");
    }

    private static String find(String install, String... names) {
        if (names[0].contains(File.separator)) return names[0];
        return Stream.of(names).flatMap(Programs::candidates).findFirst().orElseThrow(() -> missing(names[0], install));
    }

    private static AssertionError missing(String what, String install) {
        return new AssertionError("This test needs " + what + ". Install it: " + install
                + ", or let .ci/run install what the tests need.");
    }

    private static Stream<String> candidates(String name) {
        return Stream.concat(
                        Arrays.stream(System.getenv("PATH").split(File.pathSeparator)),
                        Stream.of("/usr/bin", "/usr/sbin"))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .map(Path::toString);
    }

    private static String[] with(String program, String... arguments) {
        return Stream.concat(Stream.of(program), Stream.of(arguments)).toArray(String[]::new);
    }

    private static int exitStatus(String... command) {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Fails with what the program wrote unless it ends in time and well. */
    private static void run(Path folder, Duration time, String... command) {
        try {
            var output = Files.createTempFile("sluice-program", ".log");
            var process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            var ended = process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
            if (!ended) end(process);
            var text = Files.readString(output, StandardCharsets.UTF_8);
            Files.delete(output);
            assertThat(ended)
                    .as("%s in time; it wrote %s", List.of(command), text)
                    .isTrue();
            assertThat(process.exitValue())
                    .as("%s wrote %s", List.of(command), text)
                    .isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Ends a process and all that it has started. */
    public static void end(Process process) {
        var all = Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                .toList();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(ended -> ended.onExit().orTimeout(20, TimeUnit.SECONDS).join());
    }
}
