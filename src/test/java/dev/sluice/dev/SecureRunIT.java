package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tour of docs/security.md, as a reader takes it. */
class SecureRunIT {
    private static final Pattern BLOCK = Pattern.compile("```(\\w*)\\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path folder;

    private final int port = Ports.free();
    private Process launcher;

    @AfterEach
    void end() {
        if (launcher == null) return;
        var processes = Stream.concat(Stream.of(launcher.toHandle()), launcher.descendants())
                .toList();
        launcher.destroy();
        await().atMost(Duration.ofSeconds(40)).until(() -> processes.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void theTourLeadsWhereItSays() throws Exception {
        var page = Files.readString(Path.of("docs/security.md"));
        var blocks = BLOCK.matcher(page.substring(page.indexOf("## Tour"), page.indexOf("## wss")))
                .results()
                .map(block -> block.group(2))
                .toList();
        assertThat(blocks).hasSize(3);
        run(blocks.getFirst().strip().substring(2).split(" "));
        var printed = Files.readString(output());
        assertThat(printed).contains("wss://127.0.0.1:" + port + "/mqtt");
        assertThat(lines(node(blocks.get(1).replace("8443", Integer.toString(port)))))
                .isEqualTo(lines(blocks.get(2)));
        // What the terminal shows is a command for a shell.
        var command = printed.substring(printed.indexOf("  node -e '"), printed.lastIndexOf('\'') + 1);
        assertThat(finish("bash", "-c", command)).isEqualTo("acknowledged\n");
    }

    /** In any order: the two clients do not wait for each other. */
    private static String lines(String text) {
        return text.strip().lines().sorted().collect(Collectors.joining("\n"));
    }

    private void run(String... command) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output().toFile());
        builder.environment()
                .putAll(Map.of(
                        "SLUICE_PORT", Integer.toString(Ports.free()),
                        "SLUICE_TLS_PORT", Integer.toString(port),
                        "SLUICE_MANAGEMENT_PORT", Integer.toString(Ports.free()),
                        "SLUICE_KAFKA_PORT", Integer.toString(Ports.free()),
                        "SLUICE_POSTGRES_PORT", Integer.toString(Ports.free()),
                        "SLUICE_DATA", folder.resolve("data").toString()));
        launcher = builder.start();
        await().atMost(Duration.ofMinutes(5))
                .until(() -> !launcher.isAlive() || Files.readString(output()).contains("client.end()"));
        assertThat(Files.readString(output())).contains("ready in");
    }

    private String node(String script) throws Exception {
        return finish("node", "-e", script);
    }

    /** Where MQTT.js is installed. */
    private String finish(String... command) throws Exception {
        var builder = new ProcessBuilder(command)
                .directory(Programs.mqttJs().toFile())
                .redirectErrorStream(true);
        builder.environment().put("secure", folder.resolve("data/secure").toString());
        var process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS))
                .as(Arrays.toString(command))
                .isTrue();
        return new String(process.getInputStream().readAllBytes());
    }

    private Path output() {
        return folder.resolve("output");
    }
}
