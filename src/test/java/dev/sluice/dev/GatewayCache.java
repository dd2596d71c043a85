package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The AOT cache of the gateway's jar, made by the script that the image of the JVM is built with; any thread may ask. */
final class GatewayCache {
    private static final long PATIENCE_SECONDS = 300;

    /** Most of what a short life calls some hundred times is not worth its compilation: a start takes a fifth less CPU time. */
    private static final List<String> SHORT_LIFE =
            List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTReplayTraining", "-XX:CompileThresholdScaling=3");

    private GatewayCache() {}

    /** The JVM options for a start with the cache, if tests are to use it. */
    static List<String> options() {
        if (!AotCache.isWanted()) return List.of();
        return Stream.concat(SHORT_LIFE.stream(), AotCache.options(made()).stream())
                .toList();
    }

    static Path made() {
        return AotCache.made("sluice.aot", GatewayCache::write);
    }

    static Path jar() {
        return ToolClasspath.target().resolve("sluice.jar");
    }

    private static void write(Path cache) throws IOException {
        var folder = Files.createTempDirectory(ToolClasspath.target(), "train-aot");
        try (var postgres = EmbeddedPostgresServer.start(Ports.free(), folder)) {
            var script = ToolClasspath.target().resolveSibling("deploy/train-aot.sh");
            var training = new ProcessBuilder(script.toString(), jar().toString(), cache.toString());
            var environment = training.environment();
            environment.put("PATH", Path.of(ToolClasspath.java()).getParent() + ":" + System.getenv("PATH"));
            // As gateways of tests run; the better compiler would keep a core busy for a third of the training, for
            // nothing that they use.
            environment.put("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1");
            environment.put("TRAIN_PORT", Integer.toString(Ports.free()));
            environment.put("TRAIN_MANAGEMENT_PORT", Integer.toString(Ports.free()));
            environment.put("QUARKUS_DATASOURCE_JDBC_URL", postgres.jdbcUrl());
            environment.put("QUARKUS_DATASOURCE_USERNAME", EmbeddedPostgresServer.USER);
            // With what most gateways of tests have: routes of every kind, and contracts.
            var config = ToolClasspath.target().resolve("test-classes/conformance/gateway.properties");
            environment.put("SMALLRYE_CONFIG_LOCATIONS", config.toString());
            run(training, folder.resolve("train-aot.log"));
        }
    }

    private static void run(ProcessBuilder training, Path log) throws IOException {
        var process =
                training.redirectErrorStream(true).redirectOutput(log.toFile()).start();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) process.destroy();
            if (process.waitFor() == 0) return;
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
        throw new Complaint("the script wrote no AOT cache. Its log is " + log + ":\n" + ServerProcess.tail(log, 20));
    }
}
