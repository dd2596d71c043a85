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
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tour of docs/security.md, as a reader takes it. */
class SecureRunIT {
    private static final Pattern BLOCK = Pattern.compile("```(\\w*)\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern COMMAND = Pattern.compile("^  node -e '.*?'$", Pattern.DOTALL | Pattern.MULTILINE);

    @TempDir
    Path folder;

    private final int port = Ports.free();
    private final int plainPort = Ports.free();
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
        var blocks = BLOCK.matcher(page.substring(page.indexOf("## Tour"), page.indexOf("## Who may connect")))
                .results()
                .map(block -> block.group(2))
                .toList();
        assertThat(blocks).hasSize(5);
        run(blocks.getFirst().strip().substring(2).split(" "));
        var printed = Files.readString(output());
        assertThat(printed).contains("wss://127.0.0.1:" + port + "/mqtt");
        assertThat(lines(node(blocks.get(1).replace("8443", Integer.toString(port)))))
                .isEqualTo(lines(blocks.get(2)));
        var why = blocks.get(3).strip().substring(2).replace("8080", Integer.toString(plainPort));
        assertThat(finish("bash", "-c", why)).isEqualTo(blocks.get(4).strip());
        // What the terminal shows are commands for a shell: the second one goes on until it is stopped.
        var commands =
                COMMAND.matcher(printed).results().map(MatchResult::group).toList();
        assertThat(commands).hasSize(2);
        assertThat(finish("bash", "-c", commands.getFirst())).isEqualTo("acknowledged\n");
        var subscriber =
                program("bash", "-c", commands.getLast() + " & read; kill $!").start();
        try (var said = subscriber.inputReader()) {
            assertThat(said.readLine()).isEqualTo("subscribed; Ctrl-C ends this");
            assertThat(finish("bash", "-c", commands.getFirst())).isEqualTo("acknowledged\n");
            assertThat(said.readLine()).isEqualTo("fleet/truck-1/telemetry over TLS");
        } finally {
            Programs.end(subscriber);
        }
    }

    /** In any order: the two clients do not wait for each other. */
    private static String lines(String text) {
        return text.strip().lines().sorted().collect(Collectors.joining("\n"));
    }

    private void run(String... command) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output().toFile());
        builder.environment()
                .putAll(Map.of(
                        "SLUICE_PORT", Integer.toString(plainPort),
                        "SLUICE_TLS_PORT", Integer.toString(port),
                        "SLUICE_MANAGEMENT_PORT", Integer.toString(Ports.free()),
                        "SLUICE_KAFKA_PORT", Integer.toString(Ports.free()),
                        "SLUICE_POSTGRES_PORT", Integer.toString(Ports.free()),
                        "SLUICE_DATA", folder.resolve("data").toString()));
        AotCache.hasten(builder);
        launcher = builder.start();
        await().atMost(Duration.ofMinutes(5))
                .until(() -> !launcher.isAlive() || Files.readString(output()).contains("client.on(\"message\""));
        assertThat(Files.readString(output())).contains("ready in");
    }

    private String node(String script) throws Exception {
        return finish("node", "-e", script);
    }

    /** To be run where MQTT.js is installed. */
    private ProcessBuilder program(String... command) {
        var builder = new ProcessBuilder(command)
                .directory(Programs.mqttJs().toFile())
                .redirectErrorStream(true);
        builder.environment().put("secure", folder.resolve("data/secure").toString());
        return builder;
    }

    private String finish(String... command) throws Exception {
        var process = program(command).start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS))
                .as(Arrays.toString(command))
                .isTrue();
        return new String(process.getInputStream().readAllBytes());
    }

    private Path output() {
        return folder.resolve("output");
    }
}
