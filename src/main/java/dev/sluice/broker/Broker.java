package dev.sluice.broker;

import dev.sluice.broker.routing.Addressee;
import dev.sluice.broker.routing.Heirs;
import dev.sluice.broker.routing.Laggards;
import dev.sluice.broker.routing.Offer;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.Router;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.config.UplinkConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Limits;
import dev.sluice.session.QueueMemory;
import dev.sluice.session.QueuePolicy;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.SessionsEnded;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.Wills;
import dev.sluice.uplink.Uplink;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** What all connections share: configuration, event loops, and the ways to Kafka and PostgreSQL. Any thread may use it. */
@ApplicationScoped
public class Broker {
    private static final Logger LOG = Logger.getLogger(Broker.class);

    private final MqttConfig config;
    private final Limits limits;
    private final QueueMemory memory;
    private final Duration deadline;
    private final String node;
    private final Uplink uplink;
    private final SessionStore sessions;
    private final Journal journal;
    private final ConnectionRegistry registry = new ConnectionRegistry();
    private final BrokerMeters meters;
    private final Router router = new Router();
    private final SubscriptionReader subscriptions;
    private final QueueReader queues;
    private final RetainedMessages retained;
    private final SysTopics sysTopics;
    private final WillPublisher wills;
    private final Heirs heirs = new Heirs(this);
    private final Map<ScheduledExecutorService, Loop> loops = new ConcurrentHashMap<>();
    private final SessionTurns turns = new SessionTurns();

    private final LongAdder underWay = new LongAdder();
    private final Laggards laggards = new Laggards();
    private final Duration openTimeout;
    private volatile boolean draining;

    Broker(
            MqttConfig config,
            UplinkConfig uplinkConfig,
            StoreConfig storeConfig,
            NodeConfig node,
            Uplink uplink,
            SessionStore sessions,
            Journal journal,
            SubscriptionReader subscriptions,
            QueueReader queues,
            RetainedReader retained,
            Wills wills,
            MeterRegistry meters) {
        this.config = config;
        this.deadline = uplinkConfig.deadline();
        this.openTimeout = storeConfig.openTimeout();
        this.node = node.id();
        this.uplink = uplink;
        this.sessions = sessions;
        this.journal = journal;
        this.subscriptions = subscriptions;
        this.queues = queues;
        this.meters = new BrokerMeters(meters, registry, router);
        this.retained = new RetainedMessages(this, retained);
        this.sysTopics = new SysTopics(this, config.sysInterval());
        this.wills = new WillPublisher(this, wills);
        this.limits = limits(config);
        this.memory = new QueueMemory(config.queueBytesInAll());
        this.meters.memory(memory);
    }

    private static Limits limits(MqttConfig config) {
        return new Limits(
                config.receiveMaximum(),
                config.topicAliasMaximum(),
                config.maximumPacketSize(),
                config.keepAliveMaximum(),
                config.sessionExpiryMaximum().toSeconds(),
                config.clientIdMaximum(),
                config.responseInformation().orElse(null),
                config.sendQuota(),
                config.queueCount(),
                config.queueBytes(),
                QueuePolicy.valueOf(config.queuePolicy().name()),
                config.queuePage(),
                config.payloadFormatCheck());
    }

    /**
     * Before the first connection, after the schema is there and what an earlier run of this node held is given up: knows
     * what persistent sessions have subscribed to.
     */
    void start(@Observes @Priority(2600) StartupEvent event) {
        subscriptions.all(router::restore);
        if (router.subscriptions() > 0) LOG.infof("%d subscriptions of persistent sessions", router.subscriptions());
        sysTopics.start();
        wills.start();
    }

    void stop(@Observes ShutdownEvent event) {
        sysTopics.stop();
        wills.stop();
    }

    /** Expired while they were offline. */
    void ended(@Observes SessionsEnded sessions) {
        sessions.clientIds().forEach(router::forget);
        wills.poke();
    }

    /** Messages that their sessions left to other members of Shared Subscriptions. */
    void left(@Observes OrphanedDeliveries left) {
        heirs.give(left);
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

    /** Opens the session on a virtual thread when it is its turn, and tells the connection. */
    void open(SessionStore.OpenRequest request, Connection connection) {
        var turn = turns.take(request.clientId());
        Thread.ofVirtual().name("sluice-open").start(() -> {
            try {
                var left = awaitTurn(turn);
                // A client that gave up waiting must not take the session from its own next connection.
                if (connection.isClosed()) turn.end();
                else connection.opened(sessions.open(request, left), turn::end);
            } catch (StoreUnavailable away) {
                turn.end();
                LOG.debugf("client %s not opened: %s", request.clientId(), away.getMessage());
                connection.tell(
                        new Event.OpenFailed(ReasonCode.SERVER_UNAVAILABLE, "sessions cannot be opened at the moment"));
            } catch (RuntimeException refused) {
                turn.end();
                LOG.warnf(refused, "client %s not opened", request.clientId());
                connection.tell(new Event.OpenFailed(ReasonCode.UNSPECIFIED_ERROR, "the session cannot be opened"));
            }
        });
    }

    /**
     * What the client's last connection here said at its end comes first, such as that its will is not wanted [MQTT-3.14.4-3],
     * and so do its earlier CONNECTs. Returns what is left of the time for an open.
     */
    private Duration awaitTurn(SessionTurns.Turn turn) {
        if (!sessions.isAvailable()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        var end = System.nanoTime() + openTimeout.toNanos();
        if (!turn.await(openTimeout)) throw new StoreUnavailable("no turn within " + openTimeout, null);
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
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

    /** Gives the client's subscriptions to a connection; returns the last place in its queue that was told of here. */
    long attach(Connection connection, boolean resumed, boolean durable, List<StoredSubscription> stored) {
        router.attach(connection, resumed, durable, stored);
        var subscriber = router.find(connection.clientId());
        return subscriber == null ? 0 : subscriber.lastSeq();
    }

    /** The connection is closed by now; what its open has ended or taken over is over all the same. */
    void openedInVain(Connection connection, SessionStore.OpenedSession opened, Effect.EndSession end) {
        var durable = end.sessionExpiry() > 0 || opened.present();
        router.attach(connection, opened.present(), durable, opened.subscriptions());
        registry.online(connection);
        registry.offline(connection);
        ended(connection, end);
    }

    void ended(Connection connection, Effect.EndSession end) {
        router.detach(connection, end.sessionExpiry() == 0);
        var turn = turns.take(connection.clientId());
        connection.journal(new JournalWrite.CloseSession(
                connection.clientId(),
                connection.epoch(),
                end.sessionExpiry(),
                end.reason().value(),
                end.sentSeq(),
                end.publishWill(),
                outcome -> {
                    turn.end();
                    if (outcome == JournalWrite.Outcome.REFUSED)
                        LOG.warnf("client %s: PostgreSQL refused the end of its session", connection.clientId());
                    else if (connection.hasWill()) wills.poke();
                }));
    }

    /** Deliveries that have been handed to event loops and not been looked at there. */
    public Laggards laggards() {
        return laggards;
    }

    public LongAdder underWay() {
        return underWay;
    }

    /** Whether publishers have to wait for the event loops of subscribers. */
    public boolean hasManyUnderWay() {
        return underWay.sum() >= config.deliveriesUnderWay();
    }

    /** A message with everybody who is owed it. */
    Publication publication(Message message, String publisher) {
        return Publication.of(message, router.route(message.topicName(), publisher));
    }

    /** Makes an offer, to be {@link Offer#start started}, to everybody but those whom an earlier one has reached. */
    public Offer offer(Message message, Set<Addressee> reached, Consumer<Offer.Outcome> told) {
        return new Offer(this, message, reached, told);
    }

    /** Changes whenever somebody may have subscribed or come back. */
    public long subscriptionsVersion() {
        return router.version();
    }

    /** Reads from PostgreSQL for a connection, on a virtual thread. */
    void read(Connection connection, Runnable away, Runnable reading) {
        Thread.ofVirtual().name("sluice-read").start(() -> {
            try {
                reading.run();
            } catch (StoreUnavailable unavailable) {
                LOG.debugf("client %s waits: %s", connection.clientId(), unavailable.getMessage());
                away.run();
            } catch (RuntimeException bug) {
                failed(connection, bug);
                connection.tell(new Event.Ended(
                        ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "the client's messages cannot be read"));
            }
        });
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
        if (connection.clientId() != null) router.detach(connection, false);
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

    int online() {
        return registry.onlineCount();
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

    QueueMemory memory() {
        return memory;
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

    public Journal journal() {
        return journal;
    }

    public Router router() {
        return router;
    }

    QueueReader queues() {
        return queues;
    }

    RetainedMessages retained() {
        return retained;
    }

    SysTopics sysTopics() {
        return sysTopics;
    }

    BrokerMeters meters() {
        return meters;
    }
}
