package dev.sluice.dev;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

/** Which TCP ports of this machine are free; any thread may ask. */
public final class Ports {
    private static final int FIRST = 20_000;
    private static final int EACH = 3000;
    private static final int FORK = Integer.getInteger("fork.number", 0);
    /** Another build of this machine hardly begins at the same one. */
    private static final AtomicInteger NEXT =
            new AtomicInteger((int) (ProcessHandle.current().pid() * 37 % EACH));

    private Ports() {}

    /**
     * A port that nobody listens on now. The kernel takes none of these for connections, and no other JVM of this build is given them: a
     * server may be started on it a while later, or once more.
     */
    public static int free() {
        for (int tried = 0; tried < EACH; tried++) {
            var port = FIRST + FORK * EACH + NEXT.getAndIncrement() % EACH;
            if (isFree(port)) return port;
        }
        throw new IllegalStateException("no port of " + EACH + " is free");
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
