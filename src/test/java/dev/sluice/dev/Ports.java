package dev.sluice.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** Which TCP ports of this machine are free; any thread may ask. */
public final class Ports {
    /** Below the ports that systems give to outgoing connections, which would take one before its server does. */
    private static final int FIRST = 10_000;

    private static final int LAST = 32_000;
    /** The ports that somebody has, each as a lock on the byte of its number, which ends with the process. */
    private static final FileChannel CLAIMS = claims();

    private static final Set<Integer> OURS = ConcurrentHashMap.newKeySet();

    private Ports() {}

    private static FileChannel claims() {
        var file = Path.of(System.getProperty("java.io.tmpdir"), "sluice-ports-" + System.getProperty("user.name"));
        try {
            return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A port that nobody listens on now, and that nobody else who asks here gets while this JVM lives. */
    public static int free() {
        while (true) {
            var port = ThreadLocalRandom.current().nextInt(FIRST, LAST);
            if (OURS.add(port) && claim(port) && isFree(port)) return port;
        }
    }

    private static boolean claim(int port) {
        try {
            return CLAIMS.tryLock(port, 1, false) != null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** True if a server could listen on the port, on the loopback address and on all addresses. */
    public static boolean isFree(int port) {
        return canBind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                && canBind(new InetSocketAddress(port));
    }

    private static boolean canBind(InetSocketAddress address) {
        try (var socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(address);
            return true;
        } catch (IOException _) {
            return false;
        }
    }
}
