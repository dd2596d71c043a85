package dev.sluice.endpoint;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.codec.haproxy.HAProxySSLTLV;
import io.netty.handler.codec.haproxy.HAProxyTLV;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes the header of the PROXY protocol (version 1 or 2) off the beginning of a trusted proxy's connection, which has to begin with one.
 * Confined to the channel's event loop; it leaves the pipeline with the header.
 */
final class ProxyHeader extends ChannelInboundHandlerAdapter {
    /** Of a client's certificate in DER; Netty has no name for it. */
    private static final byte CLIENT_CERTIFICATE = 0x28;

    /** Bytes that a header may have beside the addresses: a certificate is a few thousand. */
    private static final int MOST_TLV_BYTES = 16_384;

    private final Consumer<Client> arrived;
    private final Consumer<Throwable> refused;

    /**
     * What a proxy says of its client.
     *
     * @param address null where the proxy speaks for itself, as for a health check
     * @param tls whether the client speaks TLS to the proxy
     * @param certificates the client's, which the proxy has verified; empty without
     * @param commonName of the subject of such a certificate, where the proxy hands on no more; null without
     */
    record Client(InetAddress address, int port, boolean tls, List<X509Certificate> certificates, String commonName) {
        /** For headers that name a client. */
        String name() {
            return address == null ? "unknown" : address.getHostAddress();
        }
    }

    private ProxyHeader(Consumer<Client> arrived, Consumer<Throwable> refused) {
        this.arrived = arrived;
        this.refused = refused;
    }

    /**
     * To be called before anything is read.
     *
     * @param arrived is told what the header says
     * @param refused is told what is wrong with it, at least once
     */
    static void expect(ChannelHandlerContext place, Consumer<Client> arrived, Consumer<Throwable> refused) {
        place.pipeline()
                .addAfter(place.name(), "proxy-header", new ProxyHeader(arrived, refused))
                .addAfter(place.name(), "proxy-decoder", new HAProxyMessageDecoder(MOST_TLV_BYTES));
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!(message instanceof HAProxyMessage header)) {
            context.fireChannelRead(message);
            return;
        }
        try {
            var client = client(header);
            context.pipeline().remove(this);
            arrived.accept(client);
        } catch (IllegalArgumentException wrong) {
            refused.accept(wrong);
        } finally {
            header.release();
        }
    }

    /** Netty closes the channel of a header that it cannot read. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        refused.accept(cause);
    }

    /** @throws IllegalArgumentException for an address or a certificate that is none */
    static Client client(HAProxyMessage header) {
        var address = header.command() == HAProxyCommand.LOCAL || header.sourceAddress() == null
                ? null
                : InetAddress.ofLiteral(header.sourceAddress());
        for (var tlv : header.tlvs())
            if (tlv instanceof HAProxySSLTLV tls) return overTls(address, header.sourcePort(), tls);
        return new Client(address, header.sourcePort(), false, List.of(), null);
    }

    private static Client overTls(InetAddress address, int port, HAProxySSLTLV tls) {
        var showed = tls.isPP2ClientCertConn() || tls.isPP2ClientCertSess();
        if (!showed || tls.verify() != 0) return new Client(address, port, tls.isPP2ClientSSL(), List.of(), null);
        List<X509Certificate> certificates = List.of();
        String commonName = null;
        for (var part : tls.encapsulatedTLVs()) {
            if (part.type() == HAProxyTLV.Type.PP2_TYPE_SSL_CN)
                commonName = part.content().toString(StandardCharsets.UTF_8);
            else if (part.typeByteValue() == CLIENT_CERTIFICATE)
                certificates = List.of(HandedCertificate.certificate(ByteBufUtil.getBytes(part.content())));
        }
        return new Client(address, port, tls.isPP2ClientSSL(), certificates, commonName);
    }
}
