package dev.sluice.dev;

import dev.sluice.tools.ToolLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * JDK AOT caches of the JVMs that tests start: with one, a gateway is there after a third of the CPU time. Maven has them made before the
 * integration tests, else the process that needs one first makes it for all. That pays from the third start on: tests do without unless
 * {@code -Dtest.aot=true} asks for it. Any thread may ask.
 */
final class AotCache {
    /** Starts what the cache is for, and writes the cache; it is there when this returns. */
    interface Training {
        void write(Path cache) throws IOException;
    }

    /** The layout of objects is a part of a cache, and is that of the image. */
    static final String LAYOUT = "-XX:+UseCompactObjectHeaders";

    private static final Map<String, Object> MONITORS = new ConcurrentHashMap<>();

    private AotCache() {}

    /** Makes those of this build at the same time, if tests are to use them: neither training keeps more than a core busy. */
    public static void main(String[] arguments) {
        ToolLog.start();
        if (!isWanted()) return;
        if (Files.exists(GatewayCache.jar()))
            Thread.ofPlatform().name("gateway-cache").start(GatewayCache::made);
        KafkaCache.made();
    }

    static boolean isWanted() {
        return Boolean.getBoolean("test.aot");
    }

    /** What lets a JVM start with a cache. It may remark on parts of it that it does not use; that is not the server's output. */
    static List<String> options(Path cache) {
        return List.of(LAYOUT, "-XX:AOTCache=" + cache, "-Xlog:aot*=error");
    }

    /**
     * What the launcher starts is to start as fast as what tests start themselves, and is not to wait first until the caches are made. Each
     * JVM remarks on the options in the terminal.
     */
    static void hasten(ProcessBuilder launcher) {
        if (isWanted()) {
            KafkaCache.made();
            GatewayCache.made();
        }
        var options = System.getProperty("jvm.speed", "") + (isWanted() ? " -Dtest.aot=true" : "");
        launcher.environment().put("JDK_JAVA_OPTIONS", options);
    }

    /** The cache with this name of this build, made if need be. Whoever comes meanwhile waits, in this process or another. */
    static Path made(String name, Training training) {
        // No two locks of one process may overlap in a file.
        synchronized (MONITORS.computeIfAbsent(name, _ -> new Object())) {
            return madeByOneThread(name, training);
        }
    }

    private static Path madeByOneThread(String name, Training training) {
        var target = ToolClasspath.target();
        var cache = target.resolve(name);
        try (var file = FileChannel.open(
                        target.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = file.lock()) {
            if (!isOfThisBuild(cache)) {
                var written = target.resolve(name + ".new");
                training.write(written);
                Files.move(written, cache, StandardCopyOption.REPLACE_EXISTING);
            }
            return cache;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isOfThisBuild(Path cache) throws IOException {
        return Files.exists(cache)
                && Files.getLastModifiedTime(cache)
                                .compareTo(Files.getLastModifiedTime(
                                        ToolClasspath.target().resolve("sluice.jar")))
                        > 0;
    }
}
