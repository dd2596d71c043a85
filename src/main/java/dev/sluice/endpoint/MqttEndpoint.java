package dev.sluice.endpoint;

import dev.sluice.broker.Broker;
import dev.sluice.config.MqttConfig;
import io.netty.channel.WriteBufferWaterMark;
import io.quarkus.websockets.next.InboundProcessingMode;
import io.quarkus.websockets.next.OnError;
import io.quarkus.websockets.next.OnOpen;
import io.quarkus.websockets.next.WebSocket;
import io.quarkus.websockets.next.WebSocketConnection;
import io.smallrye.common.annotation.NonBlocking;
import jakarta.inject.Singleton;
import org.jboss.logging.Logger;

/**
 * The WebSocket that devices connect to, when it opens; everything after that is {@link WebSocketFrames}, which sees the socket's end
 * before WebSockets Next does. Each callback runs on its connection's event loop.
 */
@Singleton
@WebSocket(path = MqttEndpoint.PATH, inboundProcessingMode = InboundProcessingMode.SERIAL)
public class MqttEndpoint {
    /** Where the endpoint is registered; {@link Paths} leads the configured paths here. */
    static final String PATH = "/.sluice/mqtt";

    private static final Logger LOG = Logger.getLogger(MqttEndpoint.class);

    private final Broker broker;
    private final WriteBufferWaterMark waterMark;

    MqttEndpoint(Broker broker, MqttConfig config) {
        this.broker = broker;
        this.waterMark = new WriteBufferWaterMark(config.sendBuffer() / 4, config.sendBuffer() / 2);
    }

    @OnOpen
    @NonBlocking
    void opened(WebSocketConnection webSocket) {
        var frames = webSocket.userData().get(UpgradeCheck.FRAMES);
        frames.context().channel().config().setWriteBufferWaterMark(waterMark);
        frames.open(broker.connect(frames.context().channel().eventLoop(), frames));
    }

    @OnError
    @NonBlocking
    void failed(WebSocketConnection webSocket, Throwable failure) {
        LOG.debugf(failure, "socket of %s", webSocket.id());
    }
}
