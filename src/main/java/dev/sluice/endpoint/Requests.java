package dev.sluice.endpoint;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

/**
 * Sees one channel's HTTP requests come and their answers go, and closes the channel when too many are on their way: Vert.x reads on
 * while requests wait for those before them, and while a client does not take its answers. Confined to the channel's event loop; it stands
 * behind Vert.x's decoder and encoder. In dev mode it is added while the first request is handed on.
 */
final class Requests extends ChannelDuplexHandler {
    /** Requests whose answers the system has not taken. Hardly any client sends one before the last is answered. */
    static final int MOST = 8;

    private final Runnable whenTooLong;
    private final Runnable whenTooMany;
    private int unanswered;
    private boolean isReceiving = true;
    private boolean isCut;

    /**
     * @param whenTooLong is told of a head that is too long for its decoder
     * @param whenTooMany is told of a channel that is closed
     */
    Requests(Runnable whenTooLong, Runnable whenTooMany) {
        this.whenTooLong = whenTooLong;
        this.whenTooMany = whenTooMany;
    }

    /** Whether a request has begun and its end has not come. */
    boolean isReceiving() {
        return isReceiving;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpObject part && part.decoderResult().cause() instanceof TooLongFrameException)
            whenTooLong.run();
        if (message instanceof HttpRequest) begin(context);
        if (message instanceof LastHttpContent) isReceiving = false;
        if (isCut) ReferenceCountUtil.release(message);
        else context.fireChannelRead(message);
    }

    private void begin(ChannelHandlerContext context) {
        isReceiving = true;
        if (isCut || ++unanswered <= MOST) return;
        isCut = true;
        whenTooMany.run();
        context.close();
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (isEnd(message)) context.write(message, promise.unvoid()).addListener(_ -> answered());
        else context.write(message, promise);
    }

    /** Of an answer: what is informational, such as 100, precedes one. */
    private static boolean isEnd(Object message) {
        return message instanceof LastHttpContent
                && !(message instanceof HttpResponse response
                        && response.status().codeClass() == HttpStatusClass.INFORMATIONAL);
    }

    private void answered() {
        if (unanswered > 0) unanswered--; // in dev mode, the first request has not been counted
    }
}
