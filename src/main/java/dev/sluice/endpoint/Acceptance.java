package dev.sluice.endpoint;

import io.netty.bootstrap.ChannelInitializerExtension;
import io.netty.channel.Channel;
import io.quarkus.arc.Arc;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * Sees each socket when the server accepts it, before its first byte: Netty finds this class by its name, and Vert.x has no such place.
 * Called on the acceptor's thread.
 */
@RegisterForReflection
public final class Acceptance extends ChannelInitializerExtension {
    /** Has Netty look for this class, and no client begin TLS anew on its connection; to be called before the first server is started. */
    static void enable() {
        System.getProperties().putIfAbsent("jdk.tls.rejectClientInitiatedRenegotiation", "true");
        System.setProperty(EXTENSIONS_SYSTEM_PROPERTY, "serviceload");
    }

    @Override
    public void postInitializeServerChildChannel(Channel channel) {
        Arc.container().instance(Sockets.class).get().accepted(channel);
    }
}
