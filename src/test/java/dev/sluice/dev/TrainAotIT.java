package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script that the image of the JVM is built with, on the jar and a PostgreSQL. */
class TrainAotIT {
    private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));

    @TempDir
    private Path folder;

    @Test
    void makesACacheThatTheGatewaysJvmTakes() throws IOException, InterruptedException {
        var cache = folder.resolve("sluice.aot");
        try (var postgres = EmbeddedPostgresServer.start(Ports.free(), folder)) {
            var script = run("deploy/train-aot.sh", "target/sluice.jar", cache.toString());
            script.environment().put("PATH", JAVA_HOME.resolve("bin") + ":" + System.getenv("PATH"));
            script.environment().put("TRAIN_PORT", Integer.toString(Ports.free()));
            script.environment().put("QUARKUS_DATASOURCE_JDBC_URL", postgres.jdbcUrl());
            script.environment().put("QUARKUS_DATASOURCE_USERNAME", EmbeddedPostgresServer.USER);
            assertEndsWell(script);
        }
        assertThat(Files.size(cache)).isGreaterThan(10_000_000);
        // Refuses to start where the cache does not fit.
        var java = JAVA_HOME.resolve("bin/java").toString();
        var jar = "target/sluice.jar";
        assertEndsWell(run(
                java,
                "-XX:+UseCompactObjectHeaders",
                "-XX:AOTCache=" + cache,
                "-XX:AOTMode=on",
                "-cp",
                jar,
                "--version"));
    }

    private ProcessBuilder run(String... command) {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()));
    }

    private void assertEndsWell(ProcessBuilder command) throws IOException, InterruptedException {
        var process = command.start();
        if (!process.waitFor(120, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        assertThat(process.exitValue())
                .as(Files.readString(folder.resolve("log")))
                .isZero();
    }
}
