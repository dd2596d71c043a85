package dev.sluice.fault;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Frames;
import dev.sluice.support.WireClient;
import dev.sluice.tools.ToolLog;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Twenty hostile clients at once. Each does one thing with one connection or many, leaves or is thrown out after some seconds, and comes
 * again, until this is closed. They take their time between two strokes: it is the gateway that is to bear them, not the test's machine.
 * Used by the main thread of {@link AttackersProcess}.
 */
final class Attackers implements AutoCloseable {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final Duration SHORT = Duration.ofSeconds(3);
    private static final Duration LONG = Duration.ofSeconds(8);
    private static final Duration STROKE = Duration.ofMillis(50);
    /** Larger than what a client may have on its way to Kafka, or in a queue; smaller than the largest packet. */
    private static final int LARGE = 500_000;

    private static final byte[] PINGS = repeated(Frames.masked(true, Frames.PING, new byte[125]), 100);
    private static final TopicName TELEMETRY = TopicName.of("fleet/attacker/telemetry");

    private final int port;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService ends = Executors.newSingleThreadScheduledExecutor();
    private final Map<String, Integer> visits = new ConcurrentHashMap<>();
    private final Deque<Visit> current = new ConcurrentLinkedDeque<>();
    private volatile boolean over;

    /** What one of them does from its arrival until its sockets are closed. */
    @FunctionalInterface
    private interface Attack {
        void strike(Visit visit) throws IOException;
    }

    private Attackers(int port) {
        this.port = port;
    }

    /** Attacks the gateway at a port until standard input ends, and says then how often each has come. */
    public static void main(String[] arguments) throws IOException {
        ToolLog.start();
        var attackers = new Attackers(Integer.parseInt(arguments[0]));
        attackers.framesAndPackets();
        attackers.subscriptions();
        attackers.weights();
        attackers.sockets();
        System.out.println("they have begun");
        while (System.in.read() >= 0) {}
        attackers.close();
        new TreeMap<>(attackers.visits).forEach((does, visits) -> System.out.println(does + ": " + visits));
    }

    private void framesAndPackets() {
        begin("pings, and reads nothing", SHORT, visit -> {
            var client = visit.online();
            while (visit.goesOn()) client.send(PINGS);
        });
        begin("pings", SHORT, visit -> {
            var client = visit.online();
            while (visit.goesOn()) readAll(client.send(PINGS));
        });
        begin("PINGREQs, and reads nothing", SHORT, visit -> {
            var client = visit.online();
            var pings = repeated(Frames.binary(client.bytes(new Packet.PingReq())), 200);
            while (visit.goesOn()) client.send(pings);
        });
        begin("noise instead of packets", SHORT, visit -> {
            while (visit.goesOn()) visit.online().send(Frames.binary(noise()));
        });
        begin("noise instead of frames", SHORT, visit -> {
            while (visit.goesOn()) visit.upgraded().send(noise());
        });
    }

    private void subscriptions() {
        begin("deep filters", SHORT, visit -> subscribe(visit, 30, i -> "a/".repeat(120) + UUID.randomUUID() + i));
        begin("filters of too many levels", SHORT, visit -> subscribe(visit, 2, _ -> "/".repeat(60_000)));
        begin("subscriptions that come and go", SHORT, visit -> {
            var client = visit.online();
            var filters = IntStream.range(0, 100).mapToObj(i -> "comes/+/" + i).toList();
            while (visit.goesOn()) {
                client.sendPackets(subscribe(filters), new Packet.Unsubscribe(2, filters, Properties.NONE));
                readAll(client);
            }
        });
        begin("groups", SHORT, visit -> subscribe(visit, 50, i -> "$share/" + UUID.randomUUID() + i + "/fleet/#"));
        begin("retained messages again and again", SHORT, visit -> subscribe(visit, 1, _ -> "plant/#"));
        begin("retained messages, and reads nothing", LONG, visit -> {
            var client = visit.online();
            while (visit.goesOn()) client.sendPackets(subscribe(List.of("#", "plant/#", "plant/+/state", "+/#")));
        });
        begin("everything, and reads nothing", LONG, visit -> {
            visit.online().sendPackets(subscribe(List.of("fleet/#")));
            visit.awaitEnd();
        });
        begin("everything, and reads it in drops", LONG, visit -> {
            var client = visit.online().sendPackets(subscribe(List.of("#")));
            while (visit.goesOn()) client.socket().getInputStream().readNBytes(200);
        });
    }

    private void weights() {
        begin("properties", SHORT, visit -> {
            var client = visit.online();
            var most = publish(userProperties(64, 200));
            var tooMany = publish(userProperties(5000, 1));
            while (visit.goesOn()) readAll(client.sendPackets(most, most, tooMany));
        });
        begin("a large CONNECT", SHORT, visit -> {
            while (visit.goesOn()) readAll(visit.upgraded().sendPackets(connect(null, userProperties(800, 1000))));
        });
        begin("wills", SHORT, visit -> {
            while (visit.goesOn()) {
                var client = visit.upgraded();
                client.sendPackets(connect(will(), Properties.NONE)).receive(Packet.ConnAck.class);
                client.close();
            }
        });
        begin("half packets", LONG, visit -> {
            for (int i = 0; i < 20 && visit.goesOn(); i++) visit.online().send(Frames.binary(halfPacket()));
            visit.awaitEnd();
        });
    }

    private void sockets() {
        begin("half frames", LONG, visit -> {
            for (int i = 0; i < 50 && visit.goesOn(); i++)
                visit.online().send(Frames.header(true, Frames.BINARY, LARGE)).send(new byte[9]);
            visit.awaitEnd();
        });
        begin("half requests", LONG, visit -> {
            var begun = new ArrayList<Socket>();
            for (int i = 0; i < 50; i++) begun.add(visit.bare());
            for (int i = 0; visit.goesOn(); i++)
                for (var socket : begun) socket.getOutputStream().write(line(i));
        });
        begin("silence", LONG, visit -> {
            for (int i = 0; i < 200; i++) visit.bare();
            for (int i = 0; i < 100; i++) visit.upgraded();
            visit.awaitEnd();
        });
    }

    private void begin(String does, Duration stay, Attack attack) {
        threads.execute(() -> {
            while (!over) {
                visits.merge(does, 1, Integer::sum);
                try (var visit = new Visit()) {
                    current.add(visit);
                    ends.schedule(visit::close, stay.toMillis(), TimeUnit.MILLISECONDS);
                    attack.strike(visit);
                } catch (IOException | UncheckedIOException | AssertionError _) {
                    // thrown out, refused, or its time is over
                }
                LockSupport.parkNanos(STROKE.toNanos());
            }
        });
    }

    /** The sockets of one attacker, until it leaves. Closed by any thread. */
    private final class Visit implements AutoCloseable {
        private final Deque<AutoCloseable> sockets = new ConcurrentLinkedDeque<>();
        private volatile boolean closed;

        private <S extends AutoCloseable> S with(S socket) {
            sockets.add(socket);
            if (closed) close(); // it has missed this one
            return socket;
        }

        Socket bare() throws IOException {
            return with(new Socket(InetAddress.getLoopbackAddress(), port));
        }

        WireClient upgraded() {
            return with(WireClient.open(port, V5));
        }

        WireClient online() {
            var client = upgraded();
            client.sendPackets(connect(null, Properties.NONE)).receive(Packet.ConnAck.class);
            return client;
        }

        /** Waits for the next stroke; false once it has to leave. */
        boolean goesOn() {
            LockSupport.parkNanos(STROKE.toNanos());
            return !closed;
        }

        void awaitEnd() {
            while (goesOn()) {}
        }

        @Override
        public void close() {
            closed = true;
            current.remove(this);
            for (AutoCloseable socket; (socket = sockets.poll()) != null; ) {
                try {
                    socket.close();
                } catch (Exception _) {
                    // it is closed all the same
                }
            }
        }
    }

    private static byte[] repeated(byte[] frame, int times) {
        return Frames.join(IntStream.range(0, times).mapToObj(_ -> frame).toArray(byte[][]::new));
    }

    private static byte[] noise() {
        var noise = new byte[200];
        ThreadLocalRandom.current().nextBytes(noise);
        return noise;
    }

    private static byte[] line(int number) {
        var line = number == 0 ? "GET /mqtt HTTP/1.1\r\n" : "X-" + number + ": x\r\n";
        return line.getBytes(StandardCharsets.US_ASCII);
    }

    /** A QoS 0 PUBLISH of {@link #LARGE} bytes and more, of which so many are there. */
    private static byte[] halfPacket() {
        var begin = new byte[LARGE];
        var header = new byte[] {0x30, (byte) 0xC0, (byte) 0x84, 0x3D, 0, 1, 't'}; // 1,000,000 bytes follow
        System.arraycopy(header, 0, begin, 0, header.length);
        return begin;
    }

    /** Reads what is there. */
    private static void readAll(WireClient client) throws IOException {
        var in = client.socket().getInputStream();
        in.skip(in.available());
    }

    private static Packet.Subscribe subscribe(List<String> filters) {
        var subscriptions = filters.stream()
                .map(filter -> new Subscription(filter, QoS.AT_LEAST_ONCE, false, false, 0))
                .toList();
        return new Packet.Subscribe(1, subscriptions, Properties.NONE);
    }

    private static void subscribe(Visit visit, int count, IntFunction<String> filter) throws IOException {
        var client = visit.online();
        while (visit.goesOn())
            readAll(client.sendPackets(
                    subscribe(IntStream.range(0, count).mapToObj(filter).toList())));
    }

    private static Properties userProperties(int count, int bytes) {
        var properties = Properties.NONE;
        for (int i = 0; i < count; i++) properties = properties.withUserProperty("k", "v".repeat(bytes));
        return properties;
    }

    private static Packet.Publish publish(Properties properties) {
        return new Packet.Publish(false, QoS.AT_LEAST_ONCE, false, TELEMETRY, 1, properties, new byte[10]);
    }

    private static Will will() {
        return new Will(TELEMETRY, QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[50_000]);
    }

    private static Packet.Connect connect(Will will, Properties properties) {
        return new Packet.Connect(V5, true, 600, "attacker-" + UUID.randomUUID(), will, null, null, properties);
    }

    @Override
    public void close() {
        over = true;
        while (!current.isEmpty()) current.forEach(Visit::close);
        threads.close();
        ends.shutdownNow();
    }
}
