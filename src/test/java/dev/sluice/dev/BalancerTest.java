package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a balancer does with bytes and ends of connections, in front of servers that say their number and then echo. */
class BalancerTest {
    private static final int PATIENCE_MILLIS = 30_000;
    private static final int MORE_THAN_KERNELS_BUFFER = 60_000_000;

    private final List<Server> servers = new ArrayList<>();
    private Balancer balancer;

    /** Says its number, then sends back what comes, and ends its side when the client has ended its own. */
    private static final class Server implements AutoCloseable {
        private final ServerSocket listener;
        private final int number;
        private final AtomicLong taken = new AtomicLong();

        Server(int number) throws IOException {
            this.number = number;
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            Thread.startVirtualThread(this::run);
        }

        int port() {
            return listener.getLocalPort();
        }

        private void run() {
            try {
                while (true) {
                    var socket = listener.accept();
                    Thread.startVirtualThread(() -> echo(socket));
                }
            } catch (IOException _) {
                // closed
            }
        }

        private void echo(Socket accepted) {
            try (var socket = accepted) {
                socket.getOutputStream().write('0' + number);
                var buffer = new byte[1000];
                for (int n; (n = socket.getInputStream().read(buffer)) >= 0; ) {
                    taken.addAndGet(n);
                    socket.getOutputStream().write(buffer, 0, n);
                }
            } catch (IOException _) {
                // the test has broken it
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    @BeforeEach
    void start() throws IOException {
        for (int i = 0; i < 3; i++) servers.add(new Server(i));
        balancer =
                Balancer.start(Ports.free(), servers.stream().map(Server::port).toList());
    }

    @AfterEach
    void stop() throws IOException {
        balancer.close();
        for (var server : servers) server.close();
    }

    private Socket open() throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), balancer.port());
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    /** The number of the server that has the connection; -1 when it ends instead. */
    private static int number(Socket socket) throws IOException {
        var said = socket.getInputStream().read();
        return said < 0 ? said : said - '0';
    }

    private String takenBy(int connections) throws IOException {
        var numbers = new StringBuilder();
        for (int i = 0; i < connections; i++) {
            try (var socket = open()) {
                numbers.append(number(socket));
            }
        }
        return numbers.toString();
    }

    @Test
    void theyTakeTurns() throws IOException {
        assertThat(takenBy(6)).isEqualTo("012012");
        balancer.remove(servers.get(1).port());
        assertThat(takenBy(4)).matches("0202|2020");
        balancer.add(servers.get(1).port());
        assertThat(takenBy(6)).contains("1");
    }

    @Test
    void oneThatRefusesIsPassedOver() throws IOException {
        balancer.add(Ports.free());
        assertThat(takenBy(8)).isEqualTo("01200120");
        servers.forEach(server -> balancer.remove(server.port()));
        try (var socket = open()) {
            assertThatThrownBy(() -> number(socket)).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void eachWayEndsByItself() throws IOException {
        try (var socket = open()) {
            socket.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .isEqualTo("0hello");
        }
    }

    /** What nobody reads stays with who sends it. */
    @Test
    void muchComesWholeAndLittleWaitsHere() throws IOException {
        var sent = new byte[MORE_THAN_KERNELS_BUFFER];
        new Random(1).nextBytes(sent);
        try (var socket = open()) {
            assertThat(number(socket)).isZero();
            var writing = Thread.startVirtualThread(() -> write(socket, sent));
            var taken = servers.getFirst().taken;
            var before = new AtomicLong(-1);
            await("a standstill")
                    .pollInterval(Duration.ofMillis(200))
                    .until(() -> before.getAndSet(taken.get()) == taken.get());
            assertThat(taken.get()).isLessThan(sent.length);
            assertThat(writing.isAlive()).isTrue();
            assertThat(socket.getInputStream().readNBytes(sent.length)).isEqualTo(sent);
        }
    }

    private static void write(Socket socket, byte[] bytes) {
        try {
            socket.getOutputStream().write(bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void connectionsAreCutByTheirGateway() throws IOException {
        try (var first = open();
                var second = open()) {
            assertThat(List.of(number(first), number(second))).containsExactly(0, 1);
            assertThat(balancer.cut(port -> port == servers.get(1).port())).isEqualTo(1);
            assertThatThrownBy(() -> number(second)).isInstanceOf(SocketException.class);
            first.getOutputStream().write('7');
            assertThat(number(first)).isEqualTo(7);
        }
    }

    /** A gateway that is killed resets its connections; so does its client's. */
    @Test
    void whatBreaksOnOneSideBreaksOnTheOther() throws IOException {
        try (var broken = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            servers.forEach(server -> balancer.remove(server.port()));
            balancer.add(broken.getLocalPort());
            try (var socket = open()) {
                var accepted = broken.accept();
                accepted.setSoLinger(true, 0);
                accepted.close();
                assertThatThrownBy(() -> number(socket)).isInstanceOf(SocketException.class);
            }
        }
    }
}
