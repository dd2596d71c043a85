package dev.sluice.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * {@link Attackers} as a process of its own, which has what the others leave of the machine: what they cost it is not the gateway's doing.
 * Used by the test's thread.
 */
final class AttackersProcess implements AutoCloseable {
    private final Process process;

    private AttackersProcess(Process process) {
        this.process = process;
    }

    static AttackersProcess start(int port) {
        var command = List.of(
                "chrt",
                "--idle",
                "0",
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                Attackers.class.getName(),
                Integer.toString(port));
        var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        // The tests' JVM is started from a jar that only names the real class path.
        var path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        builder.environment().put("CLASSPATH", path);
        try {
            var process = builder.start();
            process.inputReader().readLine(); // they have begun
            return new AttackersProcess(process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends them; says how often each of them has come, a line for each. */
    List<String> end() {
        try {
            process.outputWriter().close();
            return process.inputReader().lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
