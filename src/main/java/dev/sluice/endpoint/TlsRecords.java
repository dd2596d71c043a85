package dev.sluice.endpoint;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Closes a socket whose client begins a TLS record and does not end it in time: its bytes are held until it is whole, and nobody behind
 * TLS sees them. Stands in front of TLS; confined to the channel's event loop. It costs a timer only while a record is not whole.
 */
final class TlsRecords extends ChannelInboundHandlerAdapter {
    private static final int HEADER = 5;

    private final Runnable whenCut;
    private final long patience;
    private final LongSupplier nanoTime;
    /** Bytes of the current record's header that have come, and its bytes that are to come. */
    private int header;

    private int left;
    private long began;
    private boolean isWatched;

    /**
     * @param whenCut is told of a socket that is closed
     * @param patience nanoseconds
     */
    TlsRecords(Runnable whenCut, long patience) {
        this(whenCut, patience, System::nanoTime);
    }

    TlsRecords(Runnable whenCut, long patience, LongSupplier nanoTime) {
        this.whenCut = whenCut;
        this.patience = patience;
        this.nanoTime = nanoTime;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf bytes) follow(bytes);
        context.fireChannelRead(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (header > 0 && !isWatched) watch(context, patience);
        context.fireChannelReadComplete();
    }

    private void follow(ByteBuf bytes) {
        var at = bytes.readerIndex();
        while (at < bytes.writerIndex()) {
            if (header < HEADER) {
                if (header == 0) began = nanoTime.getAsLong();
                // The length is in the last two bytes of the header.
                if (header >= HEADER - 2) left = left << 8 | bytes.getUnsignedByte(at);
                header++;
                at++;
            } else {
                var taken = Math.min(left, bytes.writerIndex() - at);
                left -= taken;
                at += taken;
            }
            if (header == HEADER && left == 0) header = 0;
        }
    }

    private void watch(ChannelHandlerContext context, long nanos) {
        isWatched = true;
        context.executor().schedule(() -> look(context), nanos, TimeUnit.NANOSECONDS);
    }

    private void look(ChannelHandlerContext context) {
        isWatched = false;
        if (header == 0 || !context.channel().isActive()) return;
        // While the gateway does not read, the rest may be there.
        if (!context.channel().config().isAutoRead()) began = nanoTime.getAsLong();
        var rest = began + patience - nanoTime.getAsLong();
        if (rest > 0) {
            watch(context, rest);
        } else {
            whenCut.run();
            context.close();
        }
    }
}
