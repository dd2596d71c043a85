package dev.sluice.broker;

import dev.sluice.access.Authenticator;
import dev.sluice.access.Identity;
import dev.sluice.access.Peer;
import dev.sluice.access.limit.Allowance;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.broker.ConnectionParts.Ways;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.NotAcknowledging;
import dev.sluice.broker.routing.Router;
import dev.sluice.broker.routing.SharedRedelivery;
import dev.sluice.broker.routing.SubscriberKey;
import dev.sluice.broker.routing.TrackedDelivery;
import dev.sluice.codec.InputBounds;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.config.UplinkConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.store.SessionsEnded;
import dev.sluice.store.SessionsUnheard;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.Wills;
import dev.sluice.topic.TopicFilter;
import dev.sluice.uplink.KafkaHealth;
import dev.sluice.uplink.Uplink;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/** Opens, registers and ends the connections of this gateway, and makes the parts that they share. Any thread may use it. */
@Singleton
public class Broker {
    private static final Logger LOG = Logger.getLogger(Broker.class);

    private final SessionOpener opener;
    private final SubscriptionReader subscriptions;
    private final ConnectionParts parts;
    private final Router router = new Router();
    private final Deliveries deliveries;
    private final NotAcknowledging notAcknowledging = new NotAcknowledging();
    private final RetainedMessages retained;
    private final SysTopics sysTopics;
    private final WillPublisher wills;
    private final EndedSessionSearch<Connection> endedSessions;
    private final Limiter limiter;
    private final Overload overload;
    private final BrokerMeters meters;
    private final ConnectionRegistry<Connection> registry = new ConnectionRegistry<>(Connection::takeOver);
    private final Map<ScheduledExecutorService, Loop> loops = new ConcurrentHashMap<>();
    private final SessionTurns turns = new SessionTurns();
    /** Whether it was said that stored subscriptions are skipped. */
    private final AtomicBoolean skipped = new AtomicBoolean();

    private volatile boolean draining;

    Broker(
            MqttConfig config,
            InputBounds bounds,
            UplinkConfig uplinks,
            StoreConfig storeConfig,
            NodeConfig node,
            AccessConfig access,
            LimitsConfig limits,
            Authenticator authenticator,
            Uplink uplink,
            SessionStore sessions,
            Journal journal,
            SubscriptionReader subscriptions,
            QueueReader queues,
            RetainedTopics topics,
            RetainedReader retained,
            Wills wills,
            RulesInForce rules,
            RulesConfig rulesConfig,
            KafkaHealth kafka,
            MeterRegistry registered) {
        this.subscriptions = subscriptions;
        this.meters = new BrokerMeters(registered);
        this.deliveries = new Deliveries(config.deliveriesUnderWay());
        this.sysTopics = new SysTopics(router, deliveries, meters, config.sysInterval(), registry::onlineCount);
        var check = new WillCheck(uplink, rules);
        this.wills = new WillPublisher(
                wills, check, uplink, journal, router, topics, deliveries, meters, kafka::isAvailable);
        this.endedSessions = new EndedSessionSearch<>(router, registry, Connection::tell, subscriptions, storeConfig);
        this.overload = new Overload(limits, () -> Loop.takeLongestDelay(loops.values()), registered);
        this.limiter = new Limiter(limits, overload::refuses, sessions::retainedOf, this::held, registered);
        var opening = storeConfig.openTimeout();
        this.opener =
                new SessionOpener(sessions, opening, node.id(), journal, turns, registry, this.wills, limiter, meters);
        var admission = new Admission(authenticator, access, limiter, registered);
        var ways = new Ways(uplink, journal, router, deliveries, queues, topics, sysTopics, rules);
        this.parts = ConnectionParts.of(config, uplinks, bounds, admission, rulesConfig.onLostRight(), ways, meters);
        rules.onChange(this::judgeAgain);
        this.retained = new RetainedMessages(topics, retained, parts.memory());
    }

    /** What the connection holds of limits that a new one of this client takes over; null for nothing. */
    private Allowance held(String clientId) {
        var holder = registry.holder(clientId);
        var older = holder == null ? registry.finishing(clientId) : holder;
        return older == null ? null : older.proof().held();
    }

    /** The rules have changed: each connection looks whether it may still have what it has, on its event loop. */
    private void judgeAgain() {
        for (var connection : registry.all()) connection.loop().execute(connection::judgeAgain);
    }

    /** Reads what persistent sessions have subscribed to, before the first connection. */
    void start(@Observes @Priority(StartOrder.SUBSCRIPTIONS) StartupEvent event) {
        subscriptions.all((clientId, sessionId, stored) -> {
            if (isWithinBounds(clientId, stored)) router.restore(clientId, sessionId, stored);
        });
        if (router.subscriptions() > 0) LOG.infof("%d subscriptions of persistent sessions", router.subscriptions());
        parts.retainedTopics().load();
        if (parts.retainedTopics().size() > 0)
            LOG.infof("%d retained messages", parts.retainedTopics().size());
        BrokerGauges.register(meters.registry(), router, registry, parts);
        sysTopics.start();
        wills.start(WillPublisher.LEASE);
        endedSessions.start();
        overload.start();
    }

    /** A subscription may be of a time with wider bounds. */
    private boolean isWithinBounds(String clientId, StoredSubscription stored) {
        var most = parts.limits().input().topicLevels();
        var mistake = TopicFilter.mistake(stored.filter());
        if (mistake.isEmpty() && !TopicFilter.ofWellFormed(stored.filter()).hasMoreLevelsThan(most)) return true;
        meters.skippedSubscription();
        if (!skipped.getAndSet(true))
            LOG.warnf(
                    "a subscription of client %s in PostgreSQL is skipped: its Topic Filter %s; further ones are"
                            + " counted in sluice_store_above_bounds_total, and not logged",
                    TraceText.line(clientId),
                    mistake.orElse("has more than " + most + " levels (sluice.mqtt.topic-levels-maximum)"));
        return false;
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        sysTopics.stop();
        wills.stop();
        endedSessions.stop();
        overload.stop();
    }

    /** Sessions have expired while their clients were offline, or have been deleted. */
    void forget(@Observes SessionsEnded ended) {
        for (var session : ended.sessions()) endedSessions.end(session, LostSession.DELETED);
        wills.poke();
    }

    void search(@Observes SessionsUnheard unheard) {
        endedSessions.searchAll();
    }

    /** Sessions that have ended leave messages to other members of their Shared Subscriptions. */
    void redeliver(@Observes OrphanedDeliveries left) {
        new SharedRedelivery(router, parts.journal(), deliveries).give(left);
    }

    /** Starts a connection on its event loop, from which it is called. */
    public Connection connect(ScheduledExecutorService eventLoop, Transport transport, Peer peer) {
        var loop = loops.computeIfAbsent(eventLoop, Loop::new);
        var connection = new Connection(this, parts, retained, loop, transport, peer);
        registry.add(connection);
        loop.add(connection);
        if (draining) connection.drain();
        return connection;
    }

    /** Opens the session when it is its turn, and tells the connection; later if connections fight over the client. */
    void open(Connection connection, Packet.Connect connect, Grant grant) {
        var delay = registry.epoch(grant.clientId()) > 0
                ? limiter.takeOver(connection.proof().identity(), grant.clientId())
                : 0;
        if (delay == 0) openNow(connection, connect, grant);
        else
            connection.loop().after(Duration.ofNanos(delay), () -> {
                if (connection.isClosed()) return;
                var holder = registry.holder(grant.clientId());
                if (holder == null || holder.proof().isBefore(connection.proof())) openNow(connection, connect, grant);
                else connection.on(SessionOpener.OVERTAKEN);
            });
    }

    private void openNow(Connection connection, Packet.Connect connect, Grant grant) {
        var sendQuota = Math.min(parts.limits().sendQuota(), grant.clientReceiveMaximum());
        opener.open(
                connection,
                connect,
                grant,
                connection.proof().identity(),
                sendQuota,
                connection::opened,
                connection::notOpened);
    }

    void online(Connection connection, Grant grant) {
        registry.online(connection);
        LOG.infof(
                "client %s online from %s (user %s, epoch %d, keep alive %d s, session expiry %d s)",
                grant.clientId(),
                connection.proof().peer().socketAddress(),
                connection.proof().identity().isAnonymous()
                        ? "anonymous"
                        : TraceText.line(connection.proof().identity().name()),
                connection.epoch(),
                grant.keepAlive(),
                grant.sessionExpiry());
    }

    /** Gives the client's subscriptions to a connection; returns the last place in its queue that this gateway has heard of. */
    long attach(Connection connection, boolean resumed, boolean durable, List<StoredSubscription> stored) {
        var within = stored.stream()
                .filter(each -> isWithinBounds(connection.clientId(), each))
                .toList();
        router.attach(connection, resumed, durable, within);
        var subscriber = router.find(connection.clientId());
        return subscriber == null ? 0 : subscriber.lastSeq();
    }

    /** The connection was closed while its session was opened. Another connection may have lost the session to it, so it is ended here. */
    void openedInVain(Connection connection, SessionStore.OpenedSession opened, Effect.EndSession end) {
        var durable = end.sessionExpiry() > 0 || opened.present();
        router.attach(connection, opened.present(), durable, opened.subscriptions());
        registry.online(connection);
        registry.offline(connection);
        endSession(connection, end);
    }

    /** The connection whose messages come before those of this client's next one; null if there is none. */
    Connection finishing(String clientId) {
        return registry.finishing(clientId);
    }

    /** The client has said DISCONNECT with something that it has published still under way. */
    void finishing(Connection connection) {
        registry.finishing(connection);
    }

    void finished(Connection connection) {
        var last = connection;
        do {
            var before = last.flow().predecessor();
            registry.finished(last, before);
            last = before; // it may have finished before it was put back
        } while (last != null && !last.flow().isFinishing());
    }

    void endSession(Connection connection, Effect.EndSession end) {
        router.detach(connection, end.sessionExpiry() == 0);
        var turn = turns.takeToClose(connection.clientId());
        connection
                .writes()
                .submit(new JournalWrite.CloseSession(
                        connection.clientId(),
                        connection.epoch(),
                        end.sessionExpiry(),
                        end.reason().value(),
                        end.sentSeq(),
                        end.publishWill(),
                        outcome -> {
                            turn.end();
                            if (outcome == JournalWrite.Outcome.GONE)
                                router.forget(connection.clientId(), connection.sessionId());
                            if (outcome == JournalWrite.Outcome.REFUSED)
                                LOG.warnf(
                                        "client %s: PostgreSQL refused the end of its session", connection.clientId());
                            else if (connection.hasWill()) wills.poke();
                        }));
    }

    /** Whether publishers have to wait for the event loops of subscribers. */
    public boolean hasManyUnderWay() {
        return deliveries.areMany();
    }

    /**
     * Makes the delivery of a message that no client has published, to be {@link TrackedDelivery#start started}.
     *
     * @param reached subscribers that an earlier attempt has reached: they get nothing more
     * @param answer is told once what has become of all copies, on any thread
     */
    public TrackedDelivery track(
            Message message, Set<SubscriberKey> reached, Consumer<TrackedDelivery.Outcome> answer) {
        return new TrackedDelivery(router, parts.journal(), deliveries, notAcknowledging, message, reached, answer);
    }

    /** Changes whenever somebody may have subscribed or come back. */
    public long subscriptionsVersion() {
        return router.arrivals();
    }

    /** The gateway closes the socket. */
    void closing(Connection connection, ReasonCode reason, String why) {
        if (connection.clientId() == null)
            LOG.debugf(
                    "connection from %s closed: %s", connection.proof().peer().socketAddress(), why);
        else if (reason.isError())
            LOG.infof("client %s offline: %s (0x%02x)", connection.clientId(), why, reason.value());
        else LOG.infof("client %s offline: %s", connection.clientId(), why);
    }

    /**
     * The socket is closed.
     *
     * @param reason why the gateway has closed it; unspecified if it has not
     * @param lost whether it closed by itself while the client was online
     */
    void closed(Connection connection, ReasonCode reason, boolean lost) {
        registry.remove(connection);
        connection.proof().leave();
        if (connection.clientId() != null) router.detach(connection, false);
        meters.disconnected(reason);
        if (lost) LOG.infof("client %s offline: the socket closed", connection.clientId());
    }

    /** Ends every connection, evenly over the given time, once what is under way has been answered. */
    public void drain(Duration over) {
        draining = true;
        var connections = registry.all().toArray(Connection[]::new);
        for (int i = 0; i < connections.length; i++) {
            var connection = connections[i];
            connection.loop().after(over.multipliedBy(i).dividedBy(connections.length), connection::drain);
        }
    }

    /** Ends every connection that is left, answered or not. */
    public void cut() {
        for (var connection : registry.all())
            connection.tell(new Event.Ended(ReasonCode.SERVER_SHUTTING_DOWN, "the gateway shuts down"));
    }

    /**
     * Ends the connections of clients that are one of these identities, soon; clients that are being judged meanwhile are not let in. Whoever
     * withdraws a credential calls it once no method accepts that any more.
     *
     * @param why a sentence for the client and the log
     * @return how many
     */
    public int end(Predicate<Identity> whose, ReasonCode reason, String why) {
        var end = new Event.Ended(reason, why);
        parts.admission().withdraw(whose, end);
        var ended = 0;
        for (var connection : registry.all()) {
            var identity = connection.proof().identity();
            if (identity == null || !whose.test(identity)) continue;
            connection.tell(end);
            ended++;
        }
        return ended;
    }

    /** Whether the gateway has too much to do to take on one more client, which is refused then. */
    public boolean refusesNow() {
        return overload.refuses();
    }

    public boolean isDraining() {
        return draining;
    }

    public int connections() {
        return registry.all().size();
    }
}
