package dev.sluice.endpoint;

import dev.sluice.broker.PartialInput;
import dev.sluice.config.MqttConfig;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.HttpServerOptions;
import jakarta.enterprise.context.ApplicationScoped;

/** Owns what all HTTP heads together may hold that have not come whole. Any thread may use it. */
@ApplicationScoped
class Heads implements HttpServerOptionsCustomizer {
    private static final String KEY = "partial-head-bytes-in-all";

    private final long most;
    private final PartialInput input;
    private final Counter refused;
    /** Those of the server, whose bounds for heads are the same with and without TLS. */
    private volatile HttpServerOptions options;

    Heads(MqttConfig config, MeterRegistry meters) {
        most = config.partialHeadBytesInAll();
        input = new PartialInput(most);
        refused = Sockets.refused(meters, KEY);
        Gauge.builder("sluice.partial.head", input, PartialInput::bytes)
                .baseUnit("bytes")
                .description("Bytes held of HTTP heads that have not arrived whole, small ones left out")
                .register(meters);
    }

    @Override
    public void customizeHttpServer(HttpServerOptions options) {
        keep(options);
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        keep(options);
    }

    @Override
    public void customizeDomainSocketServer(HttpServerOptions options) {
        keep(options);
    }

    private void keep(HttpServerOptions options) {
        if (most < options.getMaxHeaderSize())
            throw new IllegalArgumentException("sluice.mqtt." + KEY + ": is " + most
                    + ", and has to be quarkus.http.limits.max-header-size, " + options.getMaxHeaderSize()
                    + ", or more");
        this.options = options;
    }

    /**
     * Has the heads of a channel bounded; to be called on its event loop, before its decoder sees the first byte.
     *
     * @param socket its place, from which it is closed
     */
    void bound(ChannelHandlerContext socket) {
        var decoder = socket.pipeline().context(HttpRequestDecoder.class);
        if (decoder == null) return; // HTTP/2
        Runnable giveUp = () -> {
            refused.increment();
            socket.close();
        };
        socket.pipeline().replace(decoder.handler(), decoder.name(), new HeadDecoder(options, input, giveUp));
    }
}
