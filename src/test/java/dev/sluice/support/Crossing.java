package dev.sluice.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CountDownLatch;

/**
 * One TCP address that leads to a server of this machine, and at the test's word to another one, as a proxy or a virtual address does in a
 * failover: connections that are open stay where they are. Any thread.
 */
public final class Crossing implements AutoCloseable {
    private final ServerSocket listening;
    private volatile Way way;

    /** Where connections lead, for those that began while it was so. */
    private static final class Way {
        final int port;
        volatile boolean swallows;

        Way(int port) {
            this.port = port;
        }
    }

    private Crossing(InetAddress address, int port, int serverPort) throws IOException {
        way = new Way(serverPort);
        listening = new ServerSocket();
        listening.setReuseAddress(true);
        listening.bind(new InetSocketAddress(address, port), 100);
    }

    /** On a port of its own. */
    public static Crossing to(int serverPort) {
        return at(InetAddress.getLoopbackAddress(), 0, serverPort);
    }

    public static Crossing at(InetAddress address, int port, int serverPort) {
        try {
            var crossing = new Crossing(address, port, serverPort);
            Thread.ofVirtual().name("crossing").start(crossing::accept);
            return crossing;
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public int port() {
        return listening.getLocalPort();
    }

    /** From now on connections lead there. */
    public void lead(int serverPort) {
        way = new Way(serverPort);
    }

    /** What is sent to the present server or by it is lost from now on, and nobody is told. */
    public void swallow() {
        way.swallows = true;
    }

    private void accept() {
        try {
            while (true) {
                var client = listening.accept();
                var taken = way;
                Thread.ofVirtual().name("crossing-client").start(() -> join(client, taken));
            }
        } catch (IOException _) {
            // closed by the test
        }
    }

    private static void join(Socket client, Way way) {
        try (client;
                var server = new Socket(InetAddress.getLoopbackAddress(), way.port)) {
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            var back = Thread.ofVirtual().name("crossing-server").start(() -> pump(server, client, way));
            pump(client, server, way);
            back.join();
        } catch (IOException _) {
            // nobody is there: the client sees its connection end
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pump(Socket from, Socket to, Way way) {
        var bytes = new byte[1 << 16];
        try {
            for (var read = from.getInputStream().read(bytes);
                    read >= 0;
                    read = from.getInputStream().read(bytes))
                if (!way.swallows) to.getOutputStream().write(bytes, 0, read);
        } catch (IOException _) {
            // one of the ends is gone
        }
        try {
            if (way.swallows) new CountDownLatch(1).await(); // not even that the end is gone is told
            from.close();
            to.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
