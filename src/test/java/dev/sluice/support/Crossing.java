package dev.sluice.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
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
        final List<Socket> clients = new CopyOnWriteArrayList<>();
        volatile boolean isCut;
        volatile boolean swallows;
        /** Holds what the server sends while its count is above 0. */
        volatile CountDownLatch answers = new CountDownLatch(0);
        /** Bytes that each connection may still send to the server. */
        volatile int allowance = Integer.MAX_VALUE;

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

    /** Connections to the present server break, and nobody is there for new ones until they are {@link #lead led} elsewhere. */
    public void cut() {
        var before = way;
        way = new Way(0);
        before.isCut = true;
        try {
            for (var client : before.clients) client.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** What is sent to the present server or by it is lost from now on, and nobody is told. */
    public void swallow() {
        way.swallows = true;
    }

    /** What the present server sends is held from now on, until {@link #release}: as if the client were frozen behind its last word. */
    public void holdAnswers() {
        way.answers = new CountDownLatch(1);
    }

    /** Of each connection, so many bytes get to the present server from now on: as if the client were frozen while it sends. */
    public void holdBehind(int bytes) {
        way.allowance = bytes;
    }

    public void release() {
        way.answers.countDown();
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
            way.clients.add(client);
            if (way.isCut) return;
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            var back = Thread.ofVirtual().name("crossing-server").start(() -> pump(server, client, way, true));
            pump(client, server, way, false);
            back.join();
        } catch (IOException _) {
            // nobody is there: the client sees its connection end
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pump(Socket from, Socket to, Way way, boolean isAnswer) {
        var bytes = new byte[1 << 16];
        var sent = 0;
        try {
            for (var read = from.getInputStream().read(bytes);
                    read >= 0;
                    read = from.getInputStream().read(bytes)) {
                if (isAnswer) way.answers.await();
                var most = read;
                if (!isAnswer && way.allowance < Integer.MAX_VALUE) {
                    most = Math.min(read, way.allowance - sent);
                    sent += read;
                }
                if (!way.swallows && most > 0) to.getOutputStream().write(bytes, 0, most);
            }
        } catch (IOException _) {
            // one of the ends is gone
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        try {
            if (isAnswer) way.answers.await();
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
