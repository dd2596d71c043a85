package dev.sluice.endpoint;

import dev.sluice.broker.PartialInput;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.util.AsciiString;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;
import java.util.List;

/**
 * Vert.x's decoder of one channel's requests, with two bounds more: the lines of a head, each of which becomes objects that weigh many times
 * its bytes, and the memory of all heads together that have not come whole. Confined to the channel's event loop; it leaves the channel when a
 * WebSocket opens.
 */
final class HeadDecoder extends VertxHttpRequestDecoder {
    /** Header lines of a request, those behind its body included. */
    static final int MOST_LINES = 100;
    /** What the objects of a line weigh besides its bytes. */
    private static final int LINE = 150;

    private final PartialInput heads;
    private final Runnable giveUp;
    private boolean isInHead;
    private int lines;
    /** Bytes of the current head that have become objects. */
    private int bytes;
    /** What the decoder keeps to read lines with: as long as the longest so far. */
    private int scratch;
    /** What is noted of this channel. */
    private int noted;

    /** @param giveUp closes the channel, if its head has to go; runs on any thread */
    HeadDecoder(HttpServerOptions options, PartialInput heads, Runnable giveUp) {
        super(options);
        this.heads = heads;
        this.giveUp = giveUp;
    }

    @Override
    protected HttpMessage createMessage(String[] initialLine) {
        isInHead = true;
        lines = 0;
        return super.createMessage(initialLine);
    }

    @Override
    protected String splitFirstWordInitialLine(byte[] line, int start, int length) {
        scratch = line.length;
        return super.splitFirstWordInitialLine(line, start, length);
    }

    @Override
    protected AsciiString splitHeaderName(byte[] line, int start, int length) {
        isInHead = true;
        scratch = line.length;
        if (++lines > MOST_LINES)
            throw new TooLongHttpHeaderException("the head has more than " + MOST_LINES + " lines");
        return super.splitHeaderName(line, start, length);
    }

    /** What is handed on is whole: a head, or a part of a body. */
    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
        var from = in.readerIndex();
        super.decode(context, in, out);
        if (!out.isEmpty()) {
            isInHead = false;
            bytes = 0;
        } else if (isInHead) {
            bytes += in.readerIndex() - from;
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
        super.channelReadComplete(context);
        if (!context.isRemoved()) note(PartialInput.counted(memory()));
    }

    private int memory() {
        var objects = isInHead ? bytes + lines * LINE : 0;
        var unread = actualReadableBytes() == 0 ? 0 : internalBuffer().capacity();
        return objects + unread + scratch;
    }

    private void note(int memory) {
        if (memory == noted) return;
        noted = memory;
        heads.note(giveUp, memory);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext context) throws Exception {
        note(0);
        super.handlerRemoved0(context);
    }
}
