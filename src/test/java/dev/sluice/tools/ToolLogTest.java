package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jboss.logmanager.LogContext;
import org.jboss.logmanager.handlers.ConsoleHandler;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The log of this JVM, which is that of the tools, of the launcher and of the embedded Kafka. */
class ToolLogTest {
    private static final String MAIN =
            " static " + "void main("; // in two parts, or this file would be one of those that are looked for

    @Test
    void kafkaFormatsNoMessageForNobody() {
        assertThat(LoggerFactory.getLogger("kafka.server.KafkaApis").isTraceEnabled())
                .isFalse();
        assertThat(LoggerFactory.getLogger("org.apache.kafka.common.network.Selector")
                        .isDebugEnabled())
                .isFalse();
    }

    @Test
    void everyJvmOfTestsAndTheLauncherStartsItFirst() throws IOException {
        try (var sources = Files.walk(Path.of("src/test/java"))) {
            var mains = sources.filter(source -> source.toString().endsWith(".java"))
                    .map(ToolLogTest::text)
                    .filter(text -> text.contains(MAIN))
                    .toList();
            assertThat(mains).hasSizeGreaterThan(3).allSatisfy(text -> assertThat(firstStatement(text))
                    .isEqualTo("ToolLog.start();"));
        }
    }

    private static String firstStatement(String text) {
        var body = text.substring(text.indexOf(MAIN));
        return body.lines().skip(1).findFirst().orElseThrow().strip();
    }

    private static String text(Path source) {
        try {
            return Files.readString(source);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In a JVM of its own, as this one has logged before. */
    @Test
    void twoThreadsMayLogForTheFirstTimeAtTheSameTime() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var loggers = new ProcessBuilder(
                        java,
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TwoLoggers.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            assertThat(loggers.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(loggers.exitValue()).isZero();
        } finally {
            loggers.destroyForcibly();
        }
    }

    @Test
    void aWarningIsPrintedAndWhatKafkasClientsTryIsNot() {
        var console = Arrays.stream(LogContext.getLogContext().getLogger("").getHandlers())
                .filter(ConsoleHandler.class::isInstance)
                .map(ConsoleHandler.class::cast)
                .findFirst()
                .orElseThrow();
        var printed = new ByteArrayOutputStream();
        console.setOutputStream(printed);
        try {
            LoggerFactory.getLogger("kafka.server.KafkaApis").info("all is well");
            LoggerFactory.getLogger("org.apache.kafka.clients.NetworkClient").warn("cannot connect");
            LoggerFactory.getLogger("kafka.server.KafkaApis").warn("half of it is gone");
        } finally {
            console.setTarget(ConsoleHandler.Target.SYSTEM_ERR);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .matches("[-0-9]{10} [:0-9]{8},[0-9]{3} WARN  \\[kafka.server.KafkaApis] half of it is gone\n");
    }
}
