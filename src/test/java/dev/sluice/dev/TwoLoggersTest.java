package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.tools.ToolLog;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What {@link ToolLog} spares JVMs that start it first. */
class TwoLoggersTest {
    /** In a JVM of its own, as this one has logged before. */
    @Test
    void twoThreadsMayLogForTheFirstTimeAtTheSameTime() throws Exception {
        var command = new ProcessBuilder(ToolClasspath.java(), "-XX:TieredStopAtLevel=1", TwoLoggers.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        command.environment().putAll(ToolClasspath.environment());
        var loggers = command.start();
        try {
            assertThat(loggers.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(loggers.exitValue()).isZero();
        } finally {
            loggers.destroyForcibly();
        }
    }
}
