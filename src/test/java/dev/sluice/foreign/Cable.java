package dev.sluice.foreign;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A TCP connection between a client and a server on this machine that can be cut; any thread. */
final class Cable implements AutoCloseable {
    private final int serverPort;
    private final ServerSocket listening;
    private final List<Socket> ends = new CopyOnWriteArrayList<>();

    private Cable(int serverPort) throws IOException {
        this.serverPort = serverPort;
        listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    }

    static Cable to(int serverPort) throws IOException {
        var cable = new Cable(serverPort);
        Thread.ofVirtual().start(cable::accept);
        return cable;
    }

    /** Where the client connects. */
    int port() {
        return listening.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                var client = listening.accept();
                var server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
                ends.add(client);
                ends.add(server);
                Thread.ofVirtual().start(() -> pump(client, server));
                Thread.ofVirtual().start(() -> pump(server, client));
            }
        } catch (IOException _) {
            close(); // closed already, or the server is away: either way the client sees the end of the connection
        }
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException _) {
            // cut, by one end or by the test
        }
    }

    /** Both ends see the connection end, and neither has said goodbye. */
    void cut() {
        close();
    }

    @Override
    public void close() {
        try {
            listening.close();
            for (var end : ends) end.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
