package dev.sluice.endpoint;

import dev.sluice.access.Peer;
import dev.sluice.access.Revocations;
import dev.sluice.access.RevocationsChanged;
import dev.sluice.broker.Connection;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Knows the open WebSockets whose clients have a certificate, and ends those whose certificate is revoked meanwhile. Any thread may use it. */
@ApplicationScoped
class CertifiedSockets {
    private final Map<Connection, List<X509Certificate>> open = new ConcurrentHashMap<>();
    private final Revocations revocations;
    private final Counter ended;

    CertifiedSockets(Revocations revocations, MeterRegistry meters) {
        this.revocations = revocations;
        this.ended = Counter.builder("sluice.revocation.disconnects")
                .description("Connections that ended because their client's certificate was revoked meanwhile")
                .register(meters);
    }

    /** A client without a certificate costs nothing here. */
    void opened(Connection connection, Peer peer) {
        if (!peer.certificates().isEmpty()) open.put(connection, peer.certificates());
    }

    void closed(Connection connection) {
        open.remove(connection);
    }

    void end(@Observes RevocationsChanged change) {
        open.forEach((connection, certificates) -> {
            if (!revocations.contain(certificates) || open.remove(connection) == null) return;
            ended.increment();
            connection.tell(new Event.Ended(ReasonCode.NOT_AUTHORIZED, "its certificate is revoked"));
        });
    }
}
