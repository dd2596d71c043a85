package dev.sluice.endpoint;

import dev.sluice.broker.Connection;
import dev.sluice.broker.Transport;
import dev.sluice.packet.ReasonCode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.handler.timeout.IdleStateHandler;
import io.quarkus.websockets.next.CloseReason;
import io.quarkus.websockets.next.WebSocketConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.ArrayDeque;
import org.jboss.logging.Logger;

/**
 * One socket's WebSocket frames (RFC 6455): hands the bytes of binary frames to the {@link Connection} as they come, and
 * control frames to WebSockets Next. Confined to the channel's event loop.
 *
 * <p>It stands in place of Netty's own decoder. MQTT does not care where frames end
 * [MQTT-6.0.0-2], so a frame of any size streams through without being gathered, a read that holds many small frames is
 * one call, and not reading the channel is back-pressure that reaches the client.
 */
final class WebSocketFrames extends ChannelInboundHandlerAdapter implements Transport {
    private static final Logger LOG = Logger.getLogger(WebSocketFrames.class);

    /** Of a server frame: the first byte of an unfragmented binary message, and the longest header. */
    private static final int FINAL_BINARY = 0x82;

    private static final int LONGEST_HEADER = 10;

    private final FrameParser parser = new FrameParser();
    private HttpServerRequest handshake;
    private ChannelHandlerContext context;
    private WebSocketConnection webSocket;
    private Connection connection;
    /** What came between the upgrade and {@link #open}. */
    private ArrayDeque<ByteBuf> early = new ArrayDeque<>(1);

    private boolean closing;

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
    }

    WebSocketFrames(HttpServerRequest handshake) {
        this.handshake = handshake;
    }

    /** The WebSocket is open: from here on bytes go to the connection. */
    void open(WebSocketConnection webSocket, Connection connection) {
        shed();
        this.webSocket = webSocket;
        this.connection = connection;
        var held = early;
        early = null;
        for (var bytes : held) read(bytes);
        connection.readComplete();
        if (!context.channel().isActive()) connection.transportClosed();
    }

    /** Drops what only the handshake needed and an idle connection would keep: its headers, and HTTP's handlers. */
    private void shed() {
        handshake.headers().clear();
        handshake = null;
        for (var handler : context.pipeline().toMap().values())
            if (handler instanceof IdleStateHandler || handler instanceof WebSocketFrameDecoder)
                context.pipeline().remove(handler);
    }

    ChannelHandlerContext context() {
        return context;
    }

    void closed() {
        if (connection != null) connection.transportClosed();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof ByteBuf bytes)) context.fireChannelRead(message);
        else if (early != null) early.add(bytes);
        else read(bytes);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (connection != null) connection.readComplete();
        context.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (connection != null && context.channel().isWritable()) connection.writable();
        context.fireChannelWritabilityChanged();
    }

    private void read(ByteBuf bytes) {
        try {
            var in = bytes.nioBuffer();
            while (parser.next(in)) {
                switch (parser.kind()) {
                    case DATA -> {
                        if (!closing) connection.received(parser.payload());
                    }
                    case PING -> context.fireChannelRead(new PingWebSocketFrame(copy()));
                    case PONG -> context.fireChannelRead(new PongWebSocketFrame(copy()));
                    case CLOSE -> context.fireChannelRead(new CloseWebSocketFrame(true, 0, copy()));
                }
            }
        } catch (FrameParser.Violation violation) {
            LOG.debugf("%s closed: %s", peer(), violation.getMessage());
            connection.noteEndReason(ReasonCode.PROTOCOL_ERROR);
            close(violation.isText() ? UNSUPPORTED_DATA : PROTOCOL_ERROR);
        } finally {
            bytes.release();
        }
    }

    private ByteBuf copy() {
        return Unpooled.copiedBuffer(parser.payload());
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (early != null) {
            early.forEach(ByteBuf::release);
            early.clear();
        }
        context.fireChannelInactive();
    }

    @Override
    public void send(byte[] bytes, int length) {
        if (!context.channel().isActive()) return;
        var frame = context.alloc().directBuffer(LONGEST_HEADER + length);
        frame.writeByte(FINAL_BINARY);
        if (length < 126) frame.writeByte(length);
        else if (length <= 0xFFFF) frame.writeByte(126).writeShort(length);
        else frame.writeByte(127).writeLong(length);
        frame.writeBytes(bytes, 0, length);
        context.writeAndFlush(frame, context.voidPromise());
    }

    @Override
    public long unsent() {
        var buffer = context.channel().unsafe().outboundBuffer();
        // A large message that goes out bit by bit counts as a whole until it is out.
        return buffer == null ? 0 : buffer.totalPendingWriteBytes() - buffer.currentProgress();
    }

    @Override
    public void pause() {
        context.channel().config().setAutoRead(false);
    }

    @Override
    public void resume() {
        context.channel().config().setAutoRead(true);
    }

    @Override
    public void ping() {
        webSocket
                .sendPing(io.vertx.core.buffer.Buffer.buffer())
                .subscribe()
                .with(sent -> {}, failure -> LOG.debugf("ping to %s: %s", peer(), failure.getMessage()));
    }

    @Override
    public void close(int status) {
        if (closing) return;
        closing = true;
        // The client's own close frame, or the end of its stream, is still to be read.
        resume();
        webSocket
                .close(new CloseReason(status))
                .subscribe()
                .with(closed -> {}, failure -> LOG.debugf("closing %s: %s", peer(), failure.getMessage()));
    }

    @Override
    public void cut() {
        context.close();
    }

    @Override
    public String peer() {
        return String.valueOf(context.channel().remoteAddress());
    }
}
