package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Settings;
import dev.sluice.support.Gateway;
import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Kafka's clients cannot do here ends the start with a sentence; the program tells whether it lives. */
class StartIT {
    @TempDir
    private Path folder;

    @Test
    void aCodecWhoseLibraryCannotBeLoadedEndsTheStart() throws IOException {
        assertCodecRefused("snappy", "org.xerial.snappy.tempdir");
    }

    @Tag("long")
    @Test
    void soDoesTheOtherOneWithALibraryOfItsOwn() throws IOException {
        assertCodecRefused("zstd", "ZstdTempFolder");
    }

    /** Nothing can be unpacked where there is no folder. */
    private static void assertCodecRefused(String codec, String folder) throws IOException {
        assertRefused(
                "mp.messaging.outgoing.uplink.compression.type: \"" + codec + "\" cannot be used by this gateway: ",
                "-Dmp.messaging.outgoing.uplink.compression.type=" + codec,
                "-D" + folder + "=/proc/nowhere");
    }

    /** The second one is refused after all has started, the first one before anything else has. */
    @ParameterizedTest
    @CsvSource({
        "-Dmp.messaging.outgoing.uplink.partitioner.class=fleet.Own, mp.messaging.outgoing.uplink.partitioner.class names the class fleet.Own",
        "-Dsluice.downlink.consumer.\"interceptor.classes\"=fleet.Own, fleet.Own"
    })
    void theReasonComesOnceAndLast(String option, String sentence) throws IOException {
        var settings = assertRefused(sentence, option);
        assertThat(lines(settings).filter(line -> line.contains(" ERROR [")))
                .singleElement()
                .asString()
                .contains("[io.quarkus.runtime.Application]");
        assertThat(lines(settings).reduce((_, last) -> last).orElseThrow())
                .contains("[io.quarkus.runtime.Application]");
    }

    private static Settings assertRefused(String sentence, String... options) throws IOException {
        var settings = Gateway.shared().settingsOfAnother(options);
        try (var gateway = GatewayProcess.start(settings)) {
            assertThatThrownBy(gateway::awaitReady)
                    .isInstanceOf(Complaint.class)
                    .hasMessageContaining("ended while it was starting");
        }
        assertThat(Files.readString(settings.data().resolve("gateway.log"))).contains(sentence);
        return settings;
    }

    /** Without the lines of stack traces. */
    private static Stream<String> lines(Settings settings) throws IOException {
        return Files.readAllLines(settings.data().resolve("gateway.log")).stream()
                .filter(line -> line.matches("\\d{4}-\\d\\d-.*"));
    }

    @Test
    void theProgramAnswersWhetherTheGatewayLives() throws Exception {
        var command = GatewayProcess.program(
                "health",
                Integer.toString(GatewayProcess.managementPort(Gateway.shared().port())));
        assertThat(status(command)).isZero();
        assertThat(status(GatewayProcess.program("health", "1"))).isEqualTo(1);
    }

    private int status(List<String> command) throws Exception {
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        return process.exitValue();
    }
}
