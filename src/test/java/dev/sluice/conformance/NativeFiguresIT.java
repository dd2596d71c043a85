package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What the native executable is for: a start in less than a second, little memory, a small image. The figures go to a file as well. */
@EnabledIfSystemProperty(named = "native.image.path", matches = ".+", disabledReason = "the figures of the executable")
class NativeFiguresIT {
    private static final int MEGA = 1_000_000;
    private static final Duration START_BOUND = Duration.ofSeconds(5);
    private static final int RESIDENT_BOUND = 250 * MEGA;
    private static final int SIZE_BOUND = 150 * MEGA;

    @Test
    void startsFastAndIsSmall() throws Exception {
        var settings = Gateway.shared().settingsOfAnother();
        var begin = System.nanoTime();
        try (var gateway = GatewayProcess.start(settings)) {
            connect(settings.port());
            var start = Duration.ofNanos(System.nanoTime() - begin);
            TimeUnit.SECONDS.sleep(5);
            var status = Files.readString(Path.of("/proc/" + gateway.process().pid() + "/status"));
            var executable = Path.of(System.getProperty("native.image.path"));
            var report = String.format(
                    Locale.ROOT,
                    "| start to first CONNACK | resident, idle | of it anonymous | executable | compressed |%n"
                            + "|---|---|---|---|---|%n| %d ms | %d MB | %d MB | %d MB | %d MB |%n",
                    start.toMillis(),
                    kilobytes(status, "VmRSS") / 1000,
                    kilobytes(status, "RssAnon") / 1000,
                    Files.size(executable) / MEGA,
                    compressed(executable) / MEGA);
            System.out.print("native:\n" + report);
            Files.writeString(Path.of("target/native-figures.md"), report);
            assertThat(start).isLessThan(START_BOUND);
            assertThat(kilobytes(status, "VmRSS") * 1024).isLessThan(RESIDENT_BOUND);
            assertThat(Files.size(executable)).isLessThan(SIZE_BOUND);
        }
    }

    private static void connect(int port) {
        Awaitility.await("the first CONNACK")
                .pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(60))
                .ignoreExceptions()
                .until(() -> {
                    try (var client = WireClient.open(port, ProtocolVersion.V5)) {
                        Device.connected(
                                client, Device.connect(ProtocolVersion.V5, Device.id("first"), true, Properties.NONE));
                        return true;
                    }
                });
    }

    private static long kilobytes(String status, String name) {
        var found = Pattern.compile(name + ":\\s+(\\d+) kB").matcher(status);
        if (!found.find()) throw new AssertionError("/proc has no " + name);
        return Long.parseLong(found.group(1));
    }

    private static long compressed(Path file) throws IOException {
        var packed = Files.createTempFile("sluice", ".gz");
        try {
            try (var out = new GZIPOutputStream(Files.newOutputStream(packed))) {
                Files.copy(file, out);
            }
            return Files.size(packed);
        } finally {
            Files.delete(packed);
        }
    }
}
