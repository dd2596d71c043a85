package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.support.Vectors;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Runs Jazzer on {@link CodecFuzz} in a process of its own: 4 seconds, or {@code -Dsluice.fuzz.seconds=600}. It starts
 * from the vectors and {@code fuzz/codec.txt}; what it learns stays in {@code .jazzer-corpus} for the next run.
 */
class CodecFuzzTest {
    private static final int SECONDS = Integer.getInteger("sluice.fuzz.seconds", 4);
    private static final Path CORPUS = Path.of(".jazzer-corpus", "codec");

    @Test
    void noSeedIsAFinding() {
        for (var seed : seeds().toList()) CodecFuzz.fuzzerTestOneInput(seed);
    }

    @Tag("fuzz")
    @Test
    void theFuzzerFindsNothing() throws IOException, InterruptedException {
        var seeds = Files.createDirectories(Path.of("target", "fuzz", "seeds"));
        var learnt = Files.createDirectories(CORPUS);
        var number = 0;
        for (var seed : seeds().toList()) Files.write(seeds.resolve("seed-" + number++), seed);
        var log = seeds.resolveSibling("jazzer.log");
        var process = new ProcessBuilder(command(learnt, seeds))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(SECONDS + 120L, TimeUnit.SECONDS))
                    .as("Jazzer ends in time")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        assertThat(log)
                .content()
                .contains("Instrumented dev.sluice.codec.PacketReader")
                .contains("DONE");
    }

    private static List<String> command(Path learnt, Path seeds) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx192m", "-XX:+EnableDynamicAgentLoading", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of("--sun-misc-unsafe-memory-access=allow", "-cp", classPath()));
        command.add("com.code_intelligence.jazzer.Jazzer");
        command.add("--target_class=" + CodecFuzz.class.getName());
        command.add("--instrumentation_includes=dev.sluice.**");
        command.add("--reproducer_path=" + learnt.toAbsolutePath().getParent());
        command.add("-artifact_prefix=" + learnt.toAbsolutePath().getParent() + File.separator);
        // The heap is bounded above. libFuzzer's own bound looks at the peak that the process has from the one that
        // started it: this JVM's.
        command.add("-rss_limit_mb=0");
        command.addAll(List.of("-max_total_time=" + SECONDS, "-max_len=600", learnt.toString(), seeds.toString()));
        return command;
    }

    /** Our classes and Jazzer: nothing else is needed there, and Jazzer looks into all it is given. */
    private static String classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.endsWith(".jar") || entry.contains("jazzer"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static byte[] choices(int i) {
        var input = new byte[100];
        new SplittableRandom(i).nextBytes(input);
        input[0] = (byte) (i << 3 | 7);
        return input;
    }

    private static Stream<byte[]> seeds() {
        var vectors = Vectors.all().stream().map(vector -> {
            var version = vector.isFirst() ? null : vector.version().orElseThrow();
            return CodecFuzz.input(version, vector.isFromClient(), vector.bytes());
        });
        var found = Vectors.lines("/fuzz/codec.txt").map(HexFormat.of()::parseHex);
        var choices = Stream.iterate(0, i -> i + 1).limit(32).map(CodecFuzzTest::choices);
        return Stream.of(vectors, found, choices).flatMap(stream -> stream);
    }
}
