package dev.sluice.endpoint;

import dev.sluice.broker.Connection;
import dev.sluice.broker.Transport;
import dev.sluice.endpoint.FrameParser.Violation;
import dev.sluice.packet.ReasonCode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ReferenceCountUtil;
import java.nio.ByteBuffer;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Owns one socket's WebSocket frames (RFC 6455): hands the bytes of binary frames to the {@link Connection} as they come, answers pings
 * and Close frames, and ends the socket. Confined to the channel's event loop.
 *
 * <p>Vert.x sees no frame. MQTT does not care where frames end
 * [MQTT-6.0.0-2], so a frame of any size streams through without being gathered, a read that holds many small frames is
 * one call, and not reading the channel is back-pressure that reaches the client. The socket is closed from this handler's place, since
 * Vert.x, which stands behind it, would send a Close frame of its own.
 */
final class WebSocketFrames extends ChannelInboundHandlerAdapter implements Transport {
    private static final Logger LOG = Logger.getLogger(WebSocketFrames.class);

    /** Of a server frame: the first byte of an unfragmented message or control frame, and the longest header. */
    private static final int FINAL_BINARY = 0x82;

    private static final int FINAL_CLOSE = 0x88;
    private static final int FINAL_PING = 0x89;
    private static final int FINAL_PONG = 0x8A;
    private static final int LONGEST_HEADER = 10;

    private static final byte[] NOTHING = {};

    /** How long a client may take to answer a Close frame. */
    private static final long CLOSING_MILLIS = 2000;

    private final FrameParser parser = new FrameParser();
    private final AcceptedSocket socket;
    private final String peer;
    private ChannelHandlerContext context;
    private Connection connection;
    /** Bytes given to the channel so far, headers included. */
    private long handedBytes;
    /** The payload of the last ping that is not answered, null for none: only the latest one needs an answer (section 5.5.3). */
    private byte[] ping;

    /** A Close frame has been sent: nothing may follow it. */
    private boolean closing;
    /** The client has sent its Close frame, or a violation: nothing that follows is looked at. */
    private boolean deaf;

    private ScheduledFuture<?> cut;

    /** @param peer the client's address, for the log */
    WebSocketFrames(AcceptedSocket socket, String peer) {
        this.socket = socket;
        this.peer = peer;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
    }

    /** Whom the bytes are for; to be called before the first ones come. */
    void open(Connection connection) {
        this.connection = connection;
    }

    /** The answer to the upgrade is on its way. An idle connection keeps nothing that only HTTP needed. */
    void upgraded() {
        socket.opened();
        if (context.pipeline().get(IdleStateHandler.class) != null)
            context.pipeline().remove(IdleStateHandler.class);
        if (!context.channel().isActive()) connection.transportClosed();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf bytes) read(bytes);
        else context.fireChannelRead(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        readComplete();
        context.fireChannelReadComplete();
    }

    private void readComplete() {
        connection.readComplete();
        if (ping == null) return;
        write(FINAL_PONG, ping);
        ping = null;
        connection.stopIfSlow();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable()) connection.writable();
        context.fireChannelWritabilityChanged();
    }

    private void read(ByteBuf bytes) {
        try {
            var in = bytes.nioBuffer();
            while (!deaf && parser.next(in)) take(parser.kind(), parser.payload());
        } catch (Violation violation) {
            violated(violation);
        } finally {
            bytes.release();
        }
    }

    private void take(FrameParser.Kind kind, ByteBuffer payload) {
        switch (kind) {
            case DATA -> {
                if (!closing) connection.received(payload);
            }
            case PING -> ping = bytes(payload);
            case PONG -> {
                if (!parser.isMasked()) socket.sockets().unmaskedPong();
            }
            case CLOSE -> closeReceived(payload);
        }
    }

    private static byte[] bytes(ByteBuffer payload) {
        var bytes = new byte[payload.remaining()];
        payload.get(bytes);
        return bytes;
    }

    /** Answers the client's Close frame, or takes it for the answer, and closes the socket: the server does that first (section 7.1.1). */
    private void closeReceived(ByteBuffer payload) {
        var answer = CloseFrame.answerTo(payload);
        deaf = true;
        connection.readComplete();
        write(FINAL_CLOSE, answer);
        closing = true;
        connection.transportClosed();
        cutLater();
        afterFlush(context::close);
    }

    /**
     * Fails the connection (RFC 6455, section 7.1.7): its session ends now, nothing is waited for. What the client still sends is read
     * for a moment and dropped, since closing a socket with unread bytes would take the Close frame from it.
     */
    private void violated(Violation violation) {
        LOG.debugf("%s closed: %s", peer, violation.getMessage());
        deaf = true;
        ping = null;
        if (!closing) {
            connection.readComplete();
            connection.noteEndReason(ReasonCode.PROTOCOL_ERROR);
        }
        write(FINAL_CLOSE, CloseFrame.payload(violation.status()));
        closing = true;
        connection.transportClosed();
        resume();
        cutLater();
        afterFlush(this::finish);
    }

    private void afterFlush(Runnable task) {
        context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> task.run());
    }

    /** Sends the end of the stream, and that of TLS before it; what comes from now on is not even decrypted. */
    private void finish() {
        if (!(context.channel() instanceof DuplexChannel channel)) {
            context.close();
            return;
        }
        var tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            channel.shutdownOutput();
            return;
        }
        channel.pipeline().addFirst(new Drain());
        tls.closeOutbound().addListener(_ -> channel.shutdownOutput());
    }

    /** Drops all that comes. */
    private static final class Drain extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ReferenceCountUtil.release(message);
        }
    }

    private void cutLater() {
        if (cut == null) cut = context.executor().schedule(this::cut, CLOSING_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** From the place of TLS, which would first wait for its own good-bye to go out. */
    private void cut() {
        var tls = context.pipeline().context(SslHandler.class);
        if (tls == null) context.close();
        else tls.close();
    }

    /** The end of TLS is the end of the stream, whether that of TCP follows or not. */
    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslCloseCompletionEvent end && end.isSuccess()) cut();
        context.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (cut != null) cut.cancel(false);
        connection.transportClosed();
        context.fireChannelInactive();
    }

    @Override
    public void send(byte[] bytes, int length) {
        write(FINAL_BINARY, bytes, length);
    }

    private void write(int first, byte[] payload) {
        write(first, payload, payload.length);
    }

    /** Nothing is sent after a Close frame (section 5.5.1). */
    private void write(int first, byte[] payload, int length) {
        if (closing || !context.channel().isActive()) return;
        var frame = context.alloc().directBuffer(LONGEST_HEADER + length);
        frame.writeByte(first);
        if (length < 126) frame.writeByte(length);
        else if (length <= 0xFFFF) frame.writeByte(126).writeShort(length);
        else frame.writeByte(127).writeLong(length);
        frame.writeBytes(payload, 0, length);
        handedBytes += frame.readableBytes();
        context.writeAndFlush(frame, context.voidPromise());
    }

    @Override
    public long unsent() {
        var buffer = context.channel().unsafe().outboundBuffer();
        // A large message that goes out bit by bit counts as a whole until it is out.
        return buffer == null ? 0 : buffer.totalPendingWriteBytes() - buffer.currentProgress();
    }

    @Override
    public long taken() {
        return handedBytes - unsent();
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
        write(FINAL_PING, NOTHING);
    }

    @Override
    public void close(int status) {
        write(FINAL_CLOSE, CloseFrame.payload(status));
        closing = true;
        // The client's own Close frame, or the end of its stream, is still to be read.
        resume();
        cutLater();
    }

    @Override
    public long acceptedAt() {
        return socket.since();
    }
}
