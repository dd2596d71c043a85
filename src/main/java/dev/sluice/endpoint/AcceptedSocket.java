package dev.sluice.endpoint;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Owns a socket's place among {@link Sockets} from its acceptance to its end, and the clock within which a WebSocket has to be open on it.
 * Confined to the channel's event loop.
 *
 * <p>The clock does not ask what the client does meanwhile: neither TLS nor half a request stops it. Only a whole HTTP request does, until
 * it is answered; then it begins anew.
 */
final class AcceptedSocket extends ChannelInboundHandlerAdapter {
    private static final AttributeKey<AcceptedSocket> KEY = AttributeKey.valueOf(AcceptedSocket.class, "socket");

    /** How much later than its time the clock comes when the event loop has more to do than it can. */
    private static final long BEHIND = TimeUnit.SECONDS.toNanos(1);

    private final Sockets sockets;
    private final Channel channel;
    private final long patience;
    private final List<HttpServerRequest> unanswered = new ArrayList<>(1);
    /** Null before the first request, and with HTTP/2. */
    private RequestEnds ends;

    private long since = System.nanoTime();
    private ChannelHandlerContext context;
    private ScheduledFuture<?> clock;
    private boolean hasAnswered;
    /** The network that it counts for, null for none. */
    private String network;

    AcceptedSocket(Sockets sockets, Channel channel, Duration connectTimeout) {
        this.sockets = sockets;
        this.channel = channel;
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
        var address = sockets.addressOf(channel);
        if (!sockets.admits()) {
            context.close();
            return;
        }
        channel.closeFuture().addListener(_ -> left());
        if (address != null && !comesFrom(address)) context.close();
        else look();
    }

    private void left() {
        sockets.closed();
        if (network != null) sockets.left(network);
        if (clock != null) clock.cancel(false);
    }

    /** Counts for this network and no other from now on; false if that has too many sockets. */
    boolean comesFrom(String network) {
        if (network.equals(this.network)) return true;
        if (!channel.isActive()) return false; // nobody would take it back
        if (!sockets.admits(network)) return false;
        if (this.network != null) sockets.left(this.network);
        this.network = network;
        return true;
    }

    private void look() {
        if (isGatewaysTurn()) since = System.nanoTime();
        var left = since + patience - System.nanoTime();
        // The event loop is behind, and may not have read what the client has sent: it gets as long again.
        if (left < -BEHIND) {
            since -= 2 * left;
            left = -left;
        }
        if (left > 0) {
            clock = channel.eventLoop().schedule(this::look, left, TimeUnit.NANOSECONDS);
        } else {
            if (!hasAnswered) sockets.withoutConnect();
            context.close();
        }
    }

    /** A request that has come whole, or whose rest the gateway does not read now, is the gateway's to answer, however long that takes. */
    private boolean isGatewaysTurn() {
        if (unanswered.isEmpty()) return false;
        if (ends == null) return unanswered.stream().anyMatch(HttpServerRequest::isEnded); // HTTP/2
        return !ends.isReceiving || !channel.config().isAutoRead();
    }

    void asked(HttpServerRequest request) {
        unanswered.add(request);
        if (ends != null) return;
        var decoder = channel.pipeline().context(HttpRequestDecoder.class);
        if (decoder == null) return;
        ends = new RequestEnds();
        channel.pipeline().addAfter(decoder.name(), "ends", ends);
    }

    /** Sees where requests end; added while the first one is handed on, whose end comes behind it. */
    private static final class RequestEnds extends ChannelInboundHandlerAdapter {
        private boolean isReceiving = true;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest) isReceiving = true;
            if (message instanceof LastHttpContent) isReceiving = false;
            context.fireChannelRead(message);
        }
    }

    void answered(HttpServerRequest request) {
        unanswered.remove(request);
        hasAnswered = true;
        since = System.nanoTime();
    }

    /** A WebSocket is open, whose {@link dev.sluice.broker.Connection} has a clock of its own. */
    void opened() {
        clock.cancel(false);
        if (!context.isRemoved()) channel.pipeline().remove(this);
        if (ends != null && channel.pipeline().context(ends) != null)
            channel.pipeline().remove(ends);
    }
}
