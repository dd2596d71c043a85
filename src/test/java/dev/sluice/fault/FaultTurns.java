package dev.sluice.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Lets no more JVMs than there are cores run tests of faults at the same time; the others wait, or run tests that wait themselves. A test of
 * faults keeps a core busy with servers of its own, and has deadlines. JUnit finds it by {@code META-INF/services}; called by the thread that
 * runs the tests.
 */
public final class FaultTurns implements TestExecutionListener {
    private static final int AT_ONCE = Runtime.getRuntime().availableProcessors();
    private static final Duration LOOK = Duration.ofMillis(100);

    private String holder;
    private FileLock turn;

    @Override
    public void executionStarted(TestIdentifier test) {
        if (turn != null || !isOfFaults(test)) return;
        turn = awaitTurn();
        holder = test.getUniqueId();
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (!test.getUniqueId().equals(holder)) return;
        end(turn);
        turn = null;
        holder = null;
    }

    private static boolean isOfFaults(TestIdentifier test) {
        return test.getSource()
                .filter(ClassSource.class::isInstance)
                .map(ClassSource.class::cast)
                .map(ClassSource::getClassName)
                .filter(name -> name.startsWith(FaultTurns.class.getPackageName() + "."))
                .isPresent();
    }

    /** The lock ends with this JVM, however it ends. */
    private static FileLock awaitTurn() {
        try {
            while (true) {
                for (int i = 0; i < AT_ONCE; i++) {
                    var free = tryTurn(i);
                    if (free.isPresent()) return free.get();
                }
                Thread.sleep(LOOK);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Optional<FileLock> tryTurn(int number) throws IOException {
        var folder = Files.createDirectories(Path.of("target", "fault"));
        var channel =
                FileChannel.open(folder.resolve("turn-" + number), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var lock = channel.tryLock();
        if (lock == null) channel.close();
        return Optional.ofNullable(lock);
    }

    private static void end(FileLock turn) {
        try {
            turn.acquiredBy().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
