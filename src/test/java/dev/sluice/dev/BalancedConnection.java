package dev.sluice.dev;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * A client's connection and the one to its gateway: bytes go both ways, and each way ends by itself. Who is not read is not written to: of
 * each way there is at most one reading here. Confined to the balancer's thread.
 */
final class BalancedConnection {
    /** One direction. */
    private final class Way {
        private final SocketChannel from;
        private final SocketChannel to;
        private ByteBuffer rest;
        private boolean ended;

        Way(SocketChannel from, SocketChannel to) {
            this.from = from;
            this.to = to;
        }

        void move() throws IOException {
            if (rest != null) {
                to.write(rest);
                if (rest.hasRemaining()) return;
                rest = null;
            } else if (!ended) {
                read();
            }
            if (ended && rest == null && to.isConnected()) to.shutdownOutput();
        }

        private void read() throws IOException {
            var buffer = balancer.buffer().clear();
            ended = from.read(buffer) < 0;
            to.write(buffer.flip());
            if (buffer.hasRemaining())
                rest = ByteBuffer.allocate(buffer.remaining()).put(buffer).flip();
        }

        boolean wantsToRead() {
            return rest == null && !ended;
        }

        boolean wantsToWrite() {
            return rest != null;
        }

        boolean isOver() {
            return ended && rest == null;
        }
    }

    private final Balancer balancer;
    private final SocketChannel client;
    private final Queue<Integer> candidates;
    private int gateway;
    private SocketChannel server;
    private SelectionKey clientKey;
    private SelectionKey serverKey;
    private Way up;
    private Way down;
    private boolean over;

    private BalancedConnection(SocketChannel client, Balancer balancer) {
        this.client = client;
        this.balancer = balancer;
        this.candidates = new ArrayDeque<>(balancer.next());
    }

    /** Begins to look for a gateway for a client. */
    static BalancedConnection of(SocketChannel client, Balancer balancer) throws IOException {
        var connection = new BalancedConnection(client, balancer);
        client.configureBlocking(false);
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        connection.connectToNext();
        return connection;
    }

    /** Tries the gateways in turn; without any, the client's connection breaks. */
    private void connectToNext() {
        while (!candidates.isEmpty()) {
            gateway = candidates.remove();
            try {
                server = SocketChannel.open();
                server.configureBlocking(false);
                server.setOption(StandardSocketOptions.TCP_NODELAY, true);
                var connected = server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway));
                serverKey = server.register(balancer.selector(), SelectionKey.OP_CONNECT, this);
                if (connected) begin();
                return;
            } catch (IOException _) {
                close(server);
            }
        }
        reset();
    }

    private void begin() throws IOException {
        up = new Way(client, server);
        down = new Way(server, client);
        clientKey = client.register(balancer.selector(), SelectionKey.OP_READ, this);
        serverKey.interestOps(SelectionKey.OP_READ);
    }

    /** Does what can be done now. */
    void turn() {
        if (over) return;
        if (up == null) {
            finishConnecting();
            return;
        }
        try {
            if (clientKey.isReadable() && up.wantsToRead() || serverKey.isWritable() && up.wantsToWrite()) up.move();
            if (serverKey.isReadable() && down.wantsToRead() || clientKey.isWritable() && down.wantsToWrite())
                down.move();
            if (up.isOver() && down.isOver()) end();
            else askFor();
        } catch (IOException _) {
            reset();
        }
    }

    private void finishConnecting() {
        try {
            if (server.finishConnect()) begin();
        } catch (IOException _) {
            close(server);
            connectToNext();
        }
    }

    private void askFor() {
        clientKey.interestOps(operations(up, down));
        serverKey.interestOps(operations(down, up));
    }

    private static int operations(Way out, Way in) {
        return (out.wantsToRead() ? SelectionKey.OP_READ : 0) | (in.wantsToWrite() ? SelectionKey.OP_WRITE : 0);
    }

    /** The port of the gateway that has it, or is asked to take it. */
    int gateway() {
        return gateway;
    }

    boolean isOver() {
        return over;
    }

    private void end() {
        over = true;
        close(client);
        close(server);
    }

    /** Both ends see a broken connection, not an orderly end. */
    void reset() {
        if (over) return;
        linger(client);
        linger(server);
        end();
    }

    private static void linger(SocketChannel channel) {
        try {
            if (channel != null && channel.isOpen()) channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException _) {
            // It is closed all the same.
        }
    }

    private static void close(SocketChannel channel) {
        try {
            if (channel != null) channel.close();
        } catch (IOException _) {
            // Nobody hears of it.
        }
    }
}
