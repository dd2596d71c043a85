package dev.sluice.endpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;

/**
 * Finds a connection that begins with a header of the PROXY protocol although it does not come from a trusted proxy. Confined to the
 * channel's event loop; it leaves the pipeline with the first bytes, of which nothing else would come.
 */
final class SpoofedProxyHeader extends ChannelInboundHandlerAdapter {
    /** Of version 1 and 2; no request and no TLS record begins like that. */
    private static final byte[][] BEGINNINGS = {"PROXY ".getBytes(ISO_8859_1), "\r\n\r\n\0\r\nQ".getBytes(ISO_8859_1)};

    private final Runnable found;

    /** @param found closes the connection */
    SpoofedProxyHeader(Runnable found) {
        this.found = found;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf bytes && isHeader(bytes)) {
            ReferenceCountUtil.release(message);
            found.run();
            return;
        }
        context.pipeline().remove(this);
        context.fireChannelRead(message);
    }

    private static boolean isHeader(ByteBuf bytes) {
        for (var beginning : BEGINNINGS) {
            if (bytes.readableBytes() < beginning.length) continue;
            var same = true;
            for (int i = 0; i < beginning.length; i++) same &= bytes.getByte(bytes.readerIndex() + i) == beginning[i];
            if (same) return true;
        }
        return false;
    }
}
