package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits for a process that got SIGSTOP: the signal has come back before the last thread has stopped, and on a busy machine that one may
 * still serve a client. Any thread may use it; on systems without {@code /proc} it waits for nothing.
 */
public final class Standstill {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofMillis(1);
    /** Stopped, by a debugger or not, or ended. */
    private static final String STATES = "TtZX";

    private Standstill() {}

    /** Returns once every thread of the process has stopped. */
    public static void await(long pid) {
        var begun = System.nanoTime();
        while (!stands(pid)) {
            if (System.nanoTime() - begun > PATIENCE.toNanos())
                throw new Complaint("process " + pid + " runs on, though it got SIGSTOP " + PATIENCE + " ago.");
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private static boolean stands(long pid) {
        try (var threads = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return threads.allMatch(Standstill::hasStopped);
        } catch (IOException | UncheckedIOException _) {
            return true; // it has ended, or this system has no such files
        }
    }

    private static boolean hasStopped(Path thread) {
        try {
            var stat = Files.readString(thread.resolve("stat"));
            return STATES.indexOf(stat.charAt(stat.lastIndexOf(')') + 2)) >= 0;
        } catch (IOException _) {
            return true; // it has ended
        }
    }
}
