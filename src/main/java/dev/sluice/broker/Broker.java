package dev.sluice.broker;

import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.UplinkConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Limits;
import dev.sluice.store.Journal;
import dev.sluice.store.JournalWrite;
import dev.sluice.store.SessionStore;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.uplink.Uplink;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import org.jboss.logging.Logger;

/** What all connections share: configuration, event loops, and the ways to Kafka and PostgreSQL. Any thread may use it. */
@ApplicationScoped
public class Broker {
    private static final Logger LOG = Logger.getLogger(Broker.class);

    private final MqttConfig config;
    private final Limits limits;
    private final Duration deadline;
    private final String node;
    private final Uplink uplink;
    private final SessionStore sessions;
    private final Journal journal;
    private final ConnectionRegistry registry = new ConnectionRegistry();
    private final BrokerMeters meters;
    private final Map<ScheduledExecutorService, Loop> loops = new ConcurrentHashMap<>();
    private volatile boolean draining;

    Broker(
            MqttConfig config,
            UplinkConfig uplinkConfig,
            NodeConfig node,
            Uplink uplink,
            SessionStore sessions,
            Journal journal,
            MeterRegistry meters) {
        this.config = config;
        this.deadline = uplinkConfig.deadline();
        this.node = node.id();
        this.uplink = uplink;
        this.sessions = sessions;
        this.journal = journal;
        this.meters = new BrokerMeters(meters, registry);
        this.limits = new Limits(
                config.receiveMaximum(),
                config.topicAliasMaximum(),
                config.maximumPacketSize(),
                config.keepAliveMaximum(),
                config.sessionExpiryMaximum().toSeconds(),
                config.clientIdMaximum(),
                config.responseInformation().orElse(null));
    }

    /** Starts a connection on its event loop, from which it is called. */
    public Connection connect(ScheduledExecutorService eventLoop, Transport transport) {
        var loop = loops.computeIfAbsent(eventLoop, Loop::new);
        var connection = new Connection(this, loop, transport);
        registry.add(connection);
        loop.add(connection);
        if (draining) connection.drain();
        return connection;
    }

    /** Opens the session on a virtual thread, and tells the connection. */
    void open(SessionStore.OpenRequest request, Connection connection) {
        Thread.ofVirtual().name("sluice-open").start(() -> {
            try {
                connection.opened(sessions.open(request));
            } catch (StoreUnavailable away) {
                LOG.debugf("client %s not opened: %s", request.clientId(), away.getMessage());
                connection.tell(
                        new Event.OpenFailed(ReasonCode.SERVER_UNAVAILABLE, "sessions cannot be opened at the moment"));
            } catch (RuntimeException refused) {
                LOG.warnf(refused, "client %s not opened", request.clientId());
                connection.tell(new Event.OpenFailed(ReasonCode.UNSPECIFIED_ERROR, "the session cannot be opened"));
            }
        });
    }

    void opened(Connection connection, Grant grant) {
        registry.online(connection);
        LOG.infof(
                "client %s online from %s (epoch %d, keep alive %d s, session expiry %d s)",
                grant.clientId(),
                connection.transport().peer(),
                connection.epoch(),
                grant.keepAlive(),
                grant.sessionExpiry());
    }

    void ended(Connection connection, long sessionExpiry, ReasonCode reason) {
        close(
                connection,
                new JournalWrite.CloseSession(
                        connection.clientId(), connection.epoch(), sessionExpiry, reason.value(), outcome -> {
                            if (outcome == JournalWrite.Outcome.REFUSED)
                                LOG.warnf(
                                        "client %s: PostgreSQL refused the end of its session", connection.clientId());
                        }));
    }

    private void close(Connection connection, JournalWrite.CloseSession end) {
        if (!journal.submit(end)) connection.later(() -> close(connection, end));
    }

    void failed(Connection connection, RuntimeException bug) {
        LOG.errorf(
                bug,
                "client %s from %s",
                connection.clientId(),
                connection.transport().peer());
    }

    /** The gateway closes the socket. */
    void closing(Connection connection, ReasonCode reason, String why) {
        connection.ended(reason);
        if (connection.clientId() == null)
            LOG.debugf("connection from %s closed: %s", connection.transport().peer(), why);
        else if (reason.isError())
            LOG.infof("client %s offline: %s (0x%02x)", connection.clientId(), why, reason.value());
        else LOG.infof("client %s offline: %s", connection.clientId(), why);
    }

    /** The socket is closed. */
    void closed(Connection connection) {
        registry.remove(connection);
        meters.disconnected(connection.endReason());
        if (connection.wasLost()) LOG.infof("client %s offline: the socket closed", connection.clientId());
    }

    /** Ends every connection, evenly over the given time, once what is under way has been answered. */
    public void drain(Duration over) {
        draining = true;
        var connections = registry.all().toArray(Connection[]::new);
        for (int i = 0; i < connections.length; i++)
            connections[i].drainAfter(over.multipliedBy(i).dividedBy(connections.length));
    }

    /** Ends every connection that is left, answered or not. */
    public void cut() {
        for (var connection : registry.all())
            connection.tell(new Event.Ended(ReasonCode.SERVER_SHUTTING_DOWN, "the gateway shuts down"));
    }

    public boolean isDraining() {
        return draining;
    }

    public int connections() {
        return registry.all().size();
    }

    MqttConfig config() {
        return config;
    }

    Limits limits() {
        return limits;
    }

    Duration deadline() {
        return deadline;
    }

    String node() {
        return node;
    }

    Uplink uplink() {
        return uplink;
    }

    Journal journal() {
        return journal;
    }

    BrokerMeters meters() {
        return meters;
    }
}
