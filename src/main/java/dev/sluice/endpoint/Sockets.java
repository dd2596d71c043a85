package dev.sluice.endpoint;

import dev.sluice.config.MqttConfig;
import dev.sluice.config.TlsConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.runtime.management.ManagementConfig;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLException;
import org.jboss.logging.Logger;

/** Counts the sockets that are open, in all and from each address, and bounds both. Any thread may use it. */
@ApplicationScoped
class Sockets {
    private static final Logger LOG = Logger.getLogger(Sockets.class);
    private static final long NANOS_BETWEEN_WARNINGS = TimeUnit.MINUTES.toNanos(1);
    /** Sockets above the maximum, for those who ask whether the gateway lives, and for metrics and REST. */
    private static final int RESERVE = 64;
    /** The part of the maximum below which there is room again, once there was none: readiness is not to change with each socket. */
    private static final double ROOM_BELOW = 0.95;
    /** Of an IPv6 address: its first half is what a network is given, the second half its own choice. */
    private static final int NETWORK_BYTES = 8;

    private final Duration connectTimeout;
    private final long recordPatience;
    private final int most;
    private final int mostPerAddress;
    private final int mostHandshakes;
    private final Duration handshakeTimeout;
    private final Proxies proxies;
    private final Heads heads;
    private final int managementPort;
    private final AtomicInteger open = new AtomicInteger();
    /** Whether there have been as many as may be, and there are still nearly as many. */
    private volatile boolean full;

    private final AtomicInteger handshakes = new AtomicInteger();
    private final ConcurrentHashMap<String, Integer> openPerAddress = new ConcurrentHashMap<>();
    private final Map<EventLoop, HandshakeTurns> turns = new ConcurrentHashMap<>();
    private final Counter refusedInAll;
    private final Counter refusedInDrain;
    private final Counter refusedHandshakes;
    private final Counter slowHandshakes;
    private final Counter failedHandshakes;
    private final Counter slowRecords;
    private final Counter longHeads;
    private final Counter tooManyRequests;
    private final Counter refusedPerAddress;
    private final Counter refusedOrigins;
    private final Counter withoutCertificate;
    private final Counter withoutConnect;
    private final Counter unmaskedPongs;
    private final AtomicLong nextWarning = new AtomicLong(System.nanoTime());

    Sockets(
            MqttConfig config,
            TlsConfig tls,
            ManagementConfig management,
            Proxies proxies,
            Heads heads,
            MeterRegistry meters) {
        connectTimeout = config.connectTimeout();
        recordPatience = config.packetTimeout().toNanos();
        most = config.connectionsMaximum();
        mostPerAddress = config.connectionsPerAddressMaximum();
        mostHandshakes = config.handshakesMaximum();
        handshakeTimeout = tls.handshakeTimeout();
        this.proxies = proxies;
        this.heads = heads;
        managementPort = management.port();
        refusedInAll = refused(meters, "connections-maximum");
        refusedInDrain = refused(meters, "draining");
        refusedHandshakes = refused(meters, "handshakes-maximum");
        slowHandshakes = refused(meters, "handshake-timeout");
        failedHandshakes = refused(meters, "handshake-failed");
        slowRecords = refused(meters, "record-timeout");
        longHeads = refused(meters, "header-size");
        tooManyRequests = refused(meters, "pipelined-requests");
        refusedPerAddress = refused(meters, "connections-per-address-maximum");
        refusedOrigins = refused(meters, "origin");
        withoutCertificate = refused(meters, "certificate");
        withoutConnect = refused(meters, "connect-timeout");
        unmaskedPongs = Counter.builder("sluice.pongs.unmasked")
                .description("Answers to WebSocket pings that a client did not mask, as RFC 6455 asks it to")
                .register(meters);
        Gauge.builder("sluice.sockets.handshakes", handshakes, AtomicInteger::get)
                .description("Open sockets on which no WebSocket is open")
                .register(meters);
        Gauge.builder("sluice.sockets", open, AtomicInteger::get)
                .description("Open sockets, those included that have not upgraded to a WebSocket")
                .register(meters);
    }

    /** Before the HTTP server is there. */
    void start(@Observes StartupEvent event) {
        Acceptance.enable();
    }

    static Counter refused(MeterRegistry meters, String reason) {
        return Counter.builder("sluice.sockets.refused")
                .description("Sockets that were refused or closed before a WebSocket was open, by reason")
                .tag("reason", reason)
                .register(meters);
    }

    /** Gives a socket its place, and closes it if there is none; those of health and metrics, which no device reaches, have none. */
    void accepted(Channel channel) {
        if (channel.parent() != null
                && channel.parent().localAddress() instanceof InetSocketAddress server
                && server.getPort() == managementPort) return;
        channel.pipeline().addFirst(new AcceptedSocket(this, channel, handshakeTimeout, connectTimeout));
    }

    /** The place of a socket; in dev mode, where {@link Acceptance} is not found, it has one from its first request on. */
    AcceptedSocket of(Channel channel) {
        if (AcceptedSocket.of(channel) == null) {
            accepted(channel);
            AcceptedSocket.of(channel).hasBegun();
        }
        return AcceptedSocket.of(channel);
    }

    /** How the sockets of an event loop that have no WebSocket share its time. */
    HandshakeTurns turns(EventLoop loop) {
        return turns.computeIfAbsent(loop, HandshakeTurns::new);
    }

    /** Counts a socket in all and among the handshakes, false if that would be one too many, the reserve included. */
    boolean admits() {
        var now = open.incrementAndGet();
        if (most != 0 && now >= most) full = true;
        if (most != 0 && now > most + RESERVE) {
            open.decrementAndGet();
            refusedInAll();
            return false;
        }
        if (handshakes.incrementAndGet() <= mostHandshakes || mostHandshakes == 0) return true;
        open.decrementAndGet();
        handshakes.decrementAndGet();
        refusedHandshakes.increment();
        warn(
                "%d sockets are open without a WebSocket, as many as sluice.mqtt.handshakes-maximum allows; a further one was refused",
                mostHandshakes);
        return false;
    }

    /** Watches the TLS records that reach a handler from its first one on. */
    void watchRecords(ChannelHandlerContext tls) {
        if (recordPatience > 0)
            tls.pipeline().addBefore(tls.name(), "tls-records", new TlsRecords(slowRecords::increment, recordPatience));
    }

    /** A socket has its WebSocket, or is gone without one. */
    void handshakeEnded() {
        handshakes.decrementAndGet();
    }

    void slowHandshake() {
        slowHandshakes.increment();
    }

    void failedHandshake(Object peer, SSLException why) {
        failedHandshakes.increment();
        warn("the TLS handshake of %s has failed: %s", peer, why.getMessage());
    }

    void longHead() {
        longHeads.increment();
    }

    void tooManyRequests() {
        tooManyRequests.increment();
    }

    /** Whether a counted socket is above the maximum, so that it may not become a WebSocket. */
    boolean isInReserve() {
        if (most == 0 || open.get() <= most) return false;
        refusedInAll();
        return true;
    }

    /** Whether load balancers are to bring further clients here. */
    boolean hasRoom() {
        if (full && open.get() < most * ROOM_BELOW) full = false;
        return !full;
    }

    int most() {
        return most;
    }

    void refusedInDrain() {
        refusedInDrain.increment();
    }

    private void refusedInAll() {
        refusedInAll.increment();
        warn("%d sockets are open, as many as sluice.mqtt.connections-maximum allows; a further one was refused", most);
    }

    void closed() {
        open.decrementAndGet();
    }

    /** Counts a socket for an address, as {@link #network} made it; false if that would be one too many. */
    boolean admits(String network) {
        if (mostPerAddress == 0) return true;
        var counted = new boolean[1];
        openPerAddress.compute(network, (_, sockets) -> {
            var before = sockets == null ? 0 : sockets;
            counted[0] = before < mostPerAddress;
            return counted[0] ? Integer.valueOf(before + 1) : sockets;
        });
        if (counted[0]) return true;
        refusedPerAddress.increment();
        warn(
                "%s has as many sockets open as sluice.mqtt.connections-per-address-maximum allows; a further one was refused",
                network);
        return false;
    }

    void left(String network) {
        if (mostPerAddress == 0) return;
        openPerAddress.computeIfPresent(network, (_, sockets) -> sockets == 1 ? null : sockets - 1);
    }

    /** The part of an address that one client is taken to have for itself: all of IPv4, the first 64 bits of IPv6. */
    static String network(InetAddress address) {
        if (!(address instanceof Inet6Address)) return address.getHostAddress();
        var bytes = address.getAddress();
        Arrays.fill(bytes, NETWORK_BYTES, bytes.length, (byte) 0);
        try {
            return InetAddress.getByAddress(bytes).getHostAddress() + "/64";
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of 16 bytes is one", e);
        }
    }

    Heads heads() {
        return heads;
    }

    Proxies proxies() {
        return proxies;
    }

    void refusedOrigin(String origin, String peer) {
        refusedOrigins.increment();
        warn(
                "a web page of %s may not connect (from %s); sluice.mqtt.allowed-origins names those that may",
                origin.replaceAll("[^!-~]", "?"), peer);
    }

    void withoutCertificate(String peer) {
        withoutCertificate.increment();
        warn("%s has no certificate, which sluice.tls.client-certificate requires; it may not connect", peer);
    }

    void withoutConnect() {
        withoutConnect.increment();
    }

    void unmaskedPong() {
        unmaskedPongs.increment();
    }

    /** At most once a minute: who is refused can come as often as it likes. */
    private void warn(String sentence, Object... values) {
        var now = System.nanoTime();
        var next = nextWarning.get();
        if (now - next >= 0 && nextWarning.compareAndSet(next, now + NANOS_BETWEEN_WARNINGS))
            LOG.warnf(sentence, values);
    }
}
