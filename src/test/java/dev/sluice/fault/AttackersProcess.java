package dev.sluice.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@link Attackers} as a process of its own: what they cost the machine is not the gateway's doing, nor that of the honest clients' JVM.
 * Used by the test's thread.
 */
final class AttackersProcess implements AutoCloseable {
    private final Process process;

    private AttackersProcess(Process process) {
        this.process = process;
    }

    /** @param idly whether it has only what the others leave of the machine, which on a busy one may be nothing */
    static AttackersProcess start(int port, boolean idly) {
        var java = List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                Attackers.class.getName(),
                Integer.toString(port));
        var command = Stream.concat(idly ? Stream.of("chrt", "--idle", "0") : Stream.empty(), java.stream());
        var builder = new ProcessBuilder(command.toList()).redirectError(ProcessBuilder.Redirect.INHERIT);
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
