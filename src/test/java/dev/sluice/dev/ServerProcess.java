package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Owns one server's process and everything below it; may be used by any thread. The process hangs on a leash: a shell that keeps it in
 * a process group of its own, away from Ctrl-C, and ends it when this JVM closes the leash's standard input, by will or by dying.
 */
public final class ServerProcess implements AutoCloseable {
    /** How a server is asked to end, and how long it may take before it is killed. */
    public record Ending(String signal, Duration patience) {}

    private final String name;
    private final Process leash;
    private final ProcessHandle server;
    private final Ending ending;

    private ServerProcess(String name, Process leash, Ending ending) {
        this.name = name;
        this.leash = leash;
        this.ending = ending;
        this.server = ProcessHandle.of(readPid(leash))
                .orElseThrow(() -> new Complaint(name + " ended at once, before it said anything."));
    }

    /** Starts a server whose output is appended to a file. */
    public static ServerProcess start(
            String name, List<String> command, Map<String, String> environment, Ending ending, Path log) {
        return start(name, command, environment, ending, ProcessBuilder.Redirect.appendTo(log.toFile()));
    }

    /** Starts a server whose output goes where {@code output} says. */
    public static ServerProcess start(
            String name,
            List<String> command,
            Map<String, String> environment,
            Ending ending,
            ProcessBuilder.Redirect output) {
        var words = new ArrayList<>(
                List.of("bash", ToolClasspath.resource("leash.sh").toString(), ending.signal()));
        words.add(Long.toString(ending.patience().toSeconds()));
        words.addAll(command);
        var builder = new ProcessBuilder(words).redirectError(output);
        builder.environment().putAll(environment);
        try {
            return new ServerProcess(name, builder.start(), ending);
        } catch (IOException e) {
            throw new Complaint("cannot start " + name + ": " + e.getMessage(), e);
        }
    }

    public String name() {
        return name;
    }

    public long pid() {
        return server.pid();
    }

    /** The server and its children, as they are at this moment. */
    public List<ProcessHandle> processes() {
        return Stream.concat(Stream.of(server), server.descendants())
                .filter(ProcessHandle::isAlive)
                .toList();
    }

    public boolean isAlive() {
        return leash.isAlive();
    }

    /** Waits until the server has ended; true if it did within the time. */
    public boolean awaitEnd(Duration time) {
        try {
            return leash.waitFor(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    public CompletableFuture<Process> onEnd() {
        return leash.onExit();
    }

    /** The exit status, 128 and the signal's number for a server that was killed. */
    public int exitStatus() {
        return leash.exitValue();
    }

    /** Stops every process of the server where it stands (SIGSTOP), and returns when all of them do. */
    public void freeze() {
        var all = processes();
        signal("STOP", all);
        all.forEach(one -> Standstill.await(one.pid()));
    }

    public void thaw() {
        signal("CONT");
    }

    /** Ends every process of the server with SIGKILL and waits until they are gone. */
    public void kill() {
        var victims = processes();
        signal("KILL", victims);
        victims.forEach(
                victim -> victim.onExit().orTimeout(30, TimeUnit.SECONDS).join());
        awaitEnd(Duration.ofSeconds(30));
        release();
    }

    /** Asks the server to end, and kills it when it does not. */
    @Override
    public void close() {
        thaw();
        var all = processes();
        release();
        if (!awaitEnd(ending.patience().plusSeconds(5))) {
            leash.destroyForcibly();
        }
        signal("KILL", all.stream().filter(ProcessHandle::isAlive).toList());
    }

    public void signal(String signal) {
        signal(signal, processes());
    }

    private static void signal(String signal, List<ProcessHandle> targets) {
        if (targets.isEmpty()) {
            return;
        }
        // A process that ended in between makes kill complain; that is no fault.
        var command = new ArrayList<>(List.of("bash", "-c", "kill -" + signal + " \"$@\" 2>/dev/null", "kill"));
        targets.forEach(target -> command.add(Long.toString(target.pid())));
        try {
            new ProcessBuilder(command).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void release() {
        try {
            leash.getOutputStream().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long readPid(Process leash) {
        try (BufferedReader reader = leash.inputReader()) {
            return Long.parseLong(reader.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The last lines of a log, for a message about a server that failed. */
    public static String tail(Path log, int lines) {
        try {
            var all = Files.readAllLines(log);
            return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }
}
