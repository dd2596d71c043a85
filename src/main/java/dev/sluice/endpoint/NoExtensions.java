package dev.sluice.endpoint;

import io.quarkus.vertx.http.HttpServerOptionsCustomizer;
import io.vertx.core.http.HttpServerOptions;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Keeps the HTTP server from agreeing to a WebSocket extension: {@link WebSocketFrames} speaks none, and a client that was promised
 * compression would send frames that it has to refuse. Called once for each server, before it listens.
 *
 * <p>Vert.x agrees to compression by default. That it does not where the system property {@code vertx.disableWebsockets} was set in time
 * is not enough: in a native executable the property is read while the executable is built.
 */
@ApplicationScoped
class NoExtensions implements HttpServerOptionsCustomizer {
    @Override
    public void customizeHttpServer(HttpServerOptions options) {
        refuseCompression(options);
    }

    @Override
    public void customizeHttpsServer(HttpServerOptions options) {
        refuseCompression(options);
    }

    @Override
    public void customizeDomainSocketServer(HttpServerOptions options) {
        refuseCompression(options);
    }

    /** Compression of messages is off by {@code quarkus.websockets-next.server.per-message-compression-supported}, which is applied later. */
    private static void refuseCompression(HttpServerOptions options) {
        options.setPerFrameWebSocketCompressionSupported(false);
    }
}
