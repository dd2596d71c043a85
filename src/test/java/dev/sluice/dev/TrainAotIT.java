package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script that the image of the JVM is built with, on the jar and a PostgreSQL. */
class TrainAotIT {
    @TempDir
    private Path folder;

    @Test
    void makesACacheThatTheGatewaysJvmTakes() throws IOException, InterruptedException {
        var cache = GatewayCache.made();
        assertThat(Files.size(cache)).isGreaterThan(10_000_000);
        // Refuses to start where the cache does not fit.
        var command = new ArrayList<>(List.of(ToolClasspath.java(), "-XX:AOTMode=on"));
        command.addAll(AotCache.options(cache));
        command.addAll(List.of("-jar", GatewayCache.jar().toString(), "--version"));
        assertEndsWell(command);
    }

    private void assertEndsWell(List<String> command) throws IOException, InterruptedException {
        var log = folder.resolve("log");
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (!process.waitFor(120, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        assertThat(Files.readString(log)).contains("sluice ");
    }
}
