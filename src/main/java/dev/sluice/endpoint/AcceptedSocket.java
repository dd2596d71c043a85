package dev.sluice.endpoint;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.ssl.AbstractSniHandler;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * Owns a socket's place among {@link Sockets} from its acceptance to its end, and the clock within which a WebSocket has to be open on it.
 * Confined to the channel's event loop.
 *
 * <p>The clock does not ask what the client does meanwhile: neither TLS, which has a shorter time of its own, nor half a request stops it. Only a whole HTTP request does, until
 * it is answered; then it begins anew.
 */
final class AcceptedSocket extends ChannelInboundHandlerAdapter {
    private static final AttributeKey<AcceptedSocket> KEY = AttributeKey.valueOf(AcceptedSocket.class, "socket");

    /** The name that Vert.x gives to the handler of TLS. */
    private static final String TLS = "ssl";

    /** How much later than its time the clock comes when the event loop has more to do than it can. */
    private static final long BEHIND = TimeUnit.SECONDS.toNanos(1);

    private final Sockets sockets;
    private final Channel channel;
    private final long handshakePatience;
    private final long patience;
    private final List<HttpServerRequest> unanswered = new ArrayList<>(1);
    /** Null before the first request, and with HTTP/2. */
    private Requests requests;

    private long since = System.nanoTime();
    private ChannelHandlerContext context;
    private HandshakeTurns turns;
    private ScheduledFuture<?> clock;
    private boolean isCut;
    /** What has come and waits for this socket's turn, and since when; null for nothing. */
    private Queue<Object> held;

    private long heldSince;
    private boolean hasRead;
    private boolean hasAnswered;
    private boolean hasWebSocket;
    /** The network that it counts for, null for none. */
    private String network;
    /** A trusted proxy's header of the PROXY protocol is to come first. */
    private boolean awaitsProxyHeader;
    /** What that header said, null without. */
    private ProxyHeader.Client proxied;

    AcceptedSocket(Sockets sockets, Channel channel, Duration handshakeTimeout, Duration connectTimeout) {
        this.sockets = sockets;
        this.channel = channel;
        this.handshakePatience = Math.min(handshakeTimeout.toNanos(), connectTimeout.toNanos());
        this.patience = connectTimeout.toNanos();
        channel.attr(KEY).set(this);
    }

    /** The place of a channel. */
    static AcceptedSocket of(Channel channel) {
        return channel.attr(KEY).get();
    }

    Sockets sockets() {
        return sockets;
    }

    /** Since when its CONNECT is awaited; the JVM's nanoseconds. */
    long since() {
        return since;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        turns = sockets.turns(channel.eventLoop());
        if (!sockets.admits()) {
            context.close();
            return;
        }
        channel.closeFuture().addListener(_ -> left());
        var isProxy = sockets.proxies().areTrusted(channel.remoteAddress());
        if (!isProxy
                && channel.remoteAddress() instanceof InetSocketAddress address
                && !comesFrom(address.getAddress())) {
            context.close();
            return;
        }
        if (sockets.proxies().speakProxyProtocol()) lookForProxyHeader(isProxy);
        lookIn(handshakePatience);
    }

    private void lookForProxyHeader(boolean isProxy) {
        awaitsProxyHeader = isProxy;
        if (isProxy) ProxyHeader.expect(context, this::proxyHeader, this::wrongProxyHeader);
        else
            context.pipeline()
                    .addAfter(context.name(), "proxy-header", new SpoofedProxyHeader(this::spoofedProxyHeader));
    }

    /** The header of the PROXY protocol has come. */
    private void proxyHeader(ProxyHeader.Client client) {
        awaitsProxyHeader = false;
        proxied = client;
        if (client.address() != null && !comesFrom(client.address())) context.close();
    }

    private void wrongProxyHeader(Throwable why) {
        if (!awaitsProxyHeader) return; // the decoder tries once more when the channel is closed
        awaitsProxyHeader = false;
        sockets.proxies().wrongProtocol(channel.remoteAddress(), why);
        context.close();
    }

    private void spoofedProxyHeader() {
        sockets.proxies().ignoreProtocol(channel.remoteAddress());
        context.close();
    }

    /** What a trusted proxy has said of its client before the first byte of that, null for nothing. */
    ProxyHeader.Client proxied() {
        return proxied;
    }

    private void left() {
        sockets.closed();
        if (!hasWebSocket) sockets.handshakeEnded();
        if (network != null) sockets.left(network);
        if (clock != null) clock.cancel(false);
    }

    /** Counts for this address and no other from now on, unless it is a trusted proxy's; false if it has too many sockets. */
    boolean comesFrom(InetAddress address) {
        return sockets.proxies().areTrusted(address) || countsFor(Sockets.network(address));
    }

    private boolean countsFor(String network) {
        if (network.equals(this.network)) return true;
        if (!channel.isActive()) return false; // nobody would take it back
        if (!sockets.admits(network)) return false;
        if (this.network != null) sockets.left(this.network);
        this.network = network;
        return true;
    }

    private void lookIn(long nanos) {
        clock = channel.eventLoop().schedule(this::look, nanos, TimeUnit.NANOSECONDS);
    }

    private void look() {
        if (held != null || isGatewaysTurn()) since = System.nanoTime();
        var isInHandshake = isInHandshake();
        var left = since + (isInHandshake ? handshakePatience : patience) - System.nanoTime();
        // The event loop is behind, and may not have read what the client has sent: it gets as long again.
        if (left < -BEHIND) {
            since -= 2 * left;
            left = -left;
        }
        if (left > 0) {
            lookIn(left);
        } else {
            isCut = true;
            if (isInHandshake) sockets.slowHandshake();
            else if (!hasAnswered) sockets.withoutConnect();
            context.close();
        }
    }

    private boolean isInHandshake() {
        // Before the name of the server has come, with several certificates.
        if (awaitsProxyHeader || channel.pipeline().get(TLS) instanceof AbstractSniHandler) return true;
        var tls = channel.pipeline().get(SslHandler.class);
        return tls != null && !tls.handshakeFuture().isDone();
    }

    /** A request that has come whole, or whose rest the gateway does not read now, is the gateway's to answer, however long that takes. */
    private boolean isGatewaysTurn() {
        if (unanswered.isEmpty()) return false;
        if (requests == null) return unanswered.stream().anyMatch(HttpServerRequest::isEnded); // HTTP/2
        return !requests.isReceiving() || !channel.config().isAutoRead();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (held != null) held.add(message);
        else if (!turns.take(() -> handOn(message))) hold(message);
    }

    /** Until it is this socket's turn. */
    private void hold(Object message) {
        held = new ArrayDeque<>(2);
        held.add(message);
        heldSince = System.nanoTime();
        channel.config().setAutoRead(false);
        turns.await(this::goOn);
    }

    private void goOn() {
        if (held == null) return; // the socket has closed
        since += System.nanoTime() - heldSince;
        channel.config().setAutoRead(true); // before those behind see what has come, and perhaps want no more
        var messages = held;
        held = null;
        messages.forEach(this::handOn);
        context.fireChannelReadComplete();
    }

    /** What is held ends with a complete read of its own. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (held == null) context.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (held != null) held.forEach(ReferenceCountUtil::release);
        held = null;
        context.fireChannelInactive();
    }

    private void handOn(Object message) {
        if (!hasRead) begin();
        if (requests == null) watchRequests();
        context.fireChannelRead(message);
    }

    /** Before the first bytes are handed on. */
    private void begin() {
        hasRead = true;
        var tls = channel.pipeline().context(TLS);
        if (tls == null) sockets.heads().bound(context);
        else watchTls(tls);
    }

    /** It has handed on bytes already, in dev mode. */
    void hasBegun() {
        hasRead = true;
        watchRequests();
    }

    private void watchTls(ChannelHandlerContext place) {
        sockets.watchRecords(place);
        channel.pipeline().addAfter(place.name(), "first-bytes", new FirstBytes());
        if (place.handler() instanceof SslHandler tls)
            tls.handshakeFuture().addListener(handshake -> {
                if (handshake.cause() instanceof SSLException why && !isCut)
                    sockets.failedHandshake(channel.remoteAddress(), why);
            });
    }

    private void watchRequests() {
        var encoder = channel.pipeline().context(HttpResponseEncoder.class);
        if (encoder == null) return;
        requests = new Requests(sockets::longHead, sockets::tooManyRequests);
        channel.pipeline().addAfter(encoder.name(), "requests", requests);
    }

    /** Sees the first bytes behind TLS, which may come together with the end of its handshake, and leaves the channel. */
    private final class FirstBytes extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext place, Object message) {
            sockets.heads().bound(context);
            if (requests == null) watchRequests();
            place.pipeline().remove(this);
            place.fireChannelRead(message);
        }
    }

    void asked(HttpServerRequest request) {
        unanswered.add(request);
    }

    void answered(HttpServerRequest request) {
        unanswered.remove(request);
        hasAnswered = true;
        since = System.nanoTime();
    }

    /** A WebSocket is open, whose {@link dev.sluice.broker.Connection} has a clock of its own. */
    void opened() {
        clock.cancel(false);
        if (!hasWebSocket && channel.isActive()) {
            hasWebSocket = true;
            sockets.handshakeEnded();
        }
        if (!context.isRemoved()) channel.pipeline().remove(this);
        if (requests != null && channel.pipeline().context(requests) != null)
            channel.pipeline().remove(requests);
    }
}
