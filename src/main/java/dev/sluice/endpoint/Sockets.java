package dev.sluice.endpoint;

import dev.sluice.config.MqttConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/** Counts the sockets that are open, in all and from each address, and bounds both. Any thread may use it. */
@ApplicationScoped
class Sockets {
    private static final Logger LOG = Logger.getLogger(Sockets.class);
    private static final long NANOS_BETWEEN_WARNINGS = TimeUnit.MINUTES.toNanos(1);
    /** Sockets above the maximum, for those who ask whether the gateway lives, and for metrics and REST. */
    private static final int RESERVE = 64;
    /** Of an IPv6 address: its first half is what a network is given, the second half its own choice. */
    private static final int NETWORK_BYTES = 8;

    private final Duration connectTimeout;
    private final int most;
    private final int mostPerAddress;
    private final boolean behindProxy;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentHashMap<String, Integer> openPerAddress = new ConcurrentHashMap<>();
    private final Counter refusedInAll;
    private final Counter refusedPerAddress;
    private final Counter refusedOrigins;
    private final Counter withoutConnect;
    private final Counter unmaskedPongs;
    private final AtomicLong nextWarning = new AtomicLong(System.nanoTime());

    Sockets(MqttConfig config, VertxHttpConfig http, MeterRegistry meters) {
        connectTimeout = config.connectTimeout();
        most = config.connectionsMaximum();
        mostPerAddress = config.connectionsPerAddressMaximum();
        behindProxy = http.proxy().useProxyProtocol() || http.proxy().proxyAddressForwarding();
        refusedInAll = refused(meters, "connections-maximum");
        refusedPerAddress = refused(meters, "connections-per-address-maximum");
        refusedOrigins = refused(meters, "origin");
        withoutConnect = refused(meters, "connect-timeout");
        unmaskedPongs = Counter.builder("sluice.pongs.unmasked")
                .description("Answers to WebSocket pings that a client did not mask, as RFC 6455 asks it to")
                .register(meters);
        Gauge.builder("sluice.sockets", open, AtomicInteger::get)
                .description("Open sockets, those included that have not upgraded to a WebSocket")
                .register(meters);
    }

    /** Before the HTTP server is there. */
    void start(@Observes StartupEvent event) {
        Acceptance.enable();
    }

    private static Counter refused(MeterRegistry meters, String reason) {
        return Counter.builder("sluice.sockets.refused")
                .description("Sockets that were refused or closed before a WebSocket was open, by reason")
                .tag("reason", reason)
                .register(meters);
    }

    /** Gives a socket its place, and closes it if there is none. */
    void accepted(Channel channel) {
        channel.pipeline().addFirst(new AcceptedSocket(this, channel, connectTimeout));
    }

    /** The place of a socket; in dev mode, where {@link Acceptance} is not found, it has one from its first request on. */
    AcceptedSocket of(Channel channel) {
        if (AcceptedSocket.of(channel) == null) accepted(channel);
        return AcceptedSocket.of(channel);
    }

    /** Counts a socket in all, false if that would be one too many, the reserve included. */
    boolean admits() {
        if (open.incrementAndGet() <= most + RESERVE || most == 0) return true;
        open.decrementAndGet();
        refusedInAll();
        return false;
    }

    /** Whether a counted socket is above the maximum, so that it may not become a WebSocket. */
    boolean isInReserve() {
        if (most == 0 || open.get() <= most) return false;
        refusedInAll();
        return true;
    }

    private void refusedInAll() {
        refusedInAll.increment();
        warn("%d sockets are open, as many as sluice.mqtt.connections-maximum allows; a further one was refused", most);
    }

    void closed() {
        open.decrementAndGet();
    }

    /** The address that a socket counts for before its client's own is known; null for none: a proxy's counts for nobody. */
    String addressOf(Channel channel) {
        if (behindProxy || !(channel.remoteAddress() instanceof InetSocketAddress address)) return null;
        return network(address.getAddress().getHostAddress());
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
    static String network(String host) {
        try {
            var address = InetAddress.ofLiteral(host);
            if (!(address instanceof Inet6Address)) return address.getHostAddress();
            var bytes = address.getAddress();
            Arrays.fill(bytes, NETWORK_BYTES, bytes.length, (byte) 0);
            return InetAddress.getByAddress(bytes).getHostAddress() + "/64";
        } catch (IllegalArgumentException | UnknownHostException _) {
            return host; // a name that a proxy gave
        }
    }

    void refusedOrigin(String origin, String peer) {
        refusedOrigins.increment();
        warn(
                "a web page of %s may not connect (from %s); sluice.mqtt.allowed-origins names those that may",
                origin.replaceAll("[^!-~]", "?"), peer);
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
