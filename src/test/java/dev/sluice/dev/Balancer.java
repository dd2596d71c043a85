package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/**
 * One TCP port for several gateways of this machine: gives each connection to the next of them, and passes over one that refuses it. Owns
 * the connections, with a thread of its own; any thread may say which gateways there are.
 */
public final class Balancer implements AutoCloseable {
    /** More wait in the backlog of the socket. */
    private static final int MOST_CONNECTIONS = 20_000;

    private static final int BACKLOG = 1024;

    private final int port;
    private final Selector selector;
    private final ServerSocketChannel listener;
    private final SelectionKey accepting;
    private final List<Integer> gateways;
    private final Queue<Runnable> orders = new ConcurrentLinkedQueue<>();
    private final Set<BalancedConnection> connections = new HashSet<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024);
    private final Thread thread;
    private int turn;
    private volatile boolean closed;

    private Balancer(int port, List<Integer> gateways) throws IOException {
        this.port = port;
        this.gateways = new CopyOnWriteArrayList<>(gateways);
        selector = Selector.open();
        listener = ServerSocketChannel.open();
        listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
        listener.configureBlocking(false);
        accepting = listener.register(selector, SelectionKey.OP_ACCEPT);
        thread = Thread.ofPlatform().daemon().name("balancer").start(this::run);
    }

    /** Listens on the port, of the loopback address, from now on. */
    public static Balancer start(int port, List<Integer> gateways) {
        try {
            return new Balancer(port, gateways);
        } catch (IOException e) {
            throw new Complaint("cannot listen on port " + port + ": " + e.getMessage(), e);
        }
    }

    public int port() {
        return port;
    }

    /** From now on, a gateway at that port is given connections. */
    public void add(int gateway) {
        gateways.add(gateway);
    }

    /** No more connections are given to it; it keeps those that it has. */
    public void remove(int gateway) {
        gateways.remove((Integer) gateway);
    }

    /** Breaks connections, as a network does: the port of the gateway is asked about for each of them. Returns when they are broken. */
    public int cut(IntPredicate gateway) {
        if (!thread.isAlive()) return 0;
        var done = new CompletableFuture<Integer>();
        orders.add(() -> {
            var victims = connections.stream()
                    .filter(it -> gateway.test(it.gateway()))
                    .toList();
            victims.forEach(BalancedConnection::reset);
            victims.forEach(connections::remove);
            done.complete(victims.size());
        });
        selector.wakeup();
        return done.join();
    }

    private void run() {
        try {
            while (!closed) {
                selector.select(this::handle);
                for (var order = orders.poll(); order != null; order = orders.poll()) order.run();
                if (accepting.isValid())
                    accepting.interestOps(connections.size() < MOST_CONNECTIONS ? SelectionKey.OP_ACCEPT : 0);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            connections.forEach(BalancedConnection::reset);
        }
    }

    private void handle(SelectionKey key) {
        if (key == accepting) accept();
        else turn((BalancedConnection) key.attachment());
    }

    private void turn(BalancedConnection connection) {
        connection.turn();
        if (connection.isOver()) connections.remove(connection);
    }

    private void accept() {
        try {
            var client = listener.accept();
            if (client == null) return;
            var connection = BalancedConnection.of(client, this);
            if (!connection.isOver()) connections.add(connection);
        } catch (IOException e) {
            // Out of file descriptors, or the client is gone again: who still waits is accepted when another one ends.
            System.err.println("sluice: the balancer cannot take a connection: " + e.getMessage());
        }
    }

    Selector selector() {
        return selector;
    }

    /** Shared by all connections: what it holds is of no use after a turn. */
    ByteBuffer buffer() {
        return buffer;
    }

    /** All gateways, the one whose turn it is first. */
    List<Integer> next() {
        var all = List.copyOf(gateways);
        if (all.isEmpty()) return all;
        var first = Math.floorMod(turn++, all.size());
        return Stream.concat(all.stream().skip(first), all.stream().limit(first))
                .toList();
    }

    /** Ends all connections. */
    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        try {
            thread.join();
            listener.close();
            selector.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
