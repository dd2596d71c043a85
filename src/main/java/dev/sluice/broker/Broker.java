package dev.sluice.broker;

import dev.sluice.access.Authenticator;
import dev.sluice.access.Identity;
import dev.sluice.access.Peer;
import dev.sluice.access.limit.Allowance;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.broker.ConnectionParts.Ways;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.broker.routing.Router;
import dev.sluice.broker.routing.SharedPickup;
import dev.sluice.broker.routing.SharedRedelivery;
import dev.sluice.broker.routing.SubscriberKey;
import dev.sluice.broker.routing.TrackedDelivery;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.node.Lease;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.store.SessionsEnded;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.SessionsUnheard;
import dev.sluice.store.delivery.OrphanedDeliveries;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.StoredSubscription;
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
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/** Opens, registers and ends the connections of this gateway, and makes the parts that they share. Any thread may use it. */
@Singleton
public class Broker {
    private static final Logger LOG = Logger.getLogger(Broker.class);
    private static final Runnable NOTHING = () -> {};

    private final SessionOpener opener;
    final ConnectionParts parts;
    private final Router router;
    private final Deliveries deliveries;
    private final StoredFilters storedFilters;
    private final RetainedMessages retained;
    private final RetainedReview retainedReview;
    private final SysTopics sysTopics;
    private final WillPublisher wills;
    private final EndedSessions<Connection> endedSessions;
    private final Limiter limiter;
    private final Overload overload;
    private final FleetSessions fleetSessions;
    private final SharedPickup sharedPickup;
    private final SharedRedelivery sharedRedelivery;
    private final BooleanSupplier isKafkaSilent;
    private final BrokerMeters meters;
    private final ConnectionRegistry<Connection> registry = new ConnectionRegistry<>(Connection::takeOver);
    private final Map<ScheduledExecutorService, Loop> loops = new ConcurrentHashMap<>();
    private final SessionTurns turns = new SessionTurns();

    Broker(
            ConnectionSettings settings,
            StoreConfig storeConfig,
            Gateways node,
            Lease lease,
            AccessConfig access,
            LimitsConfig limits,
            Authenticator authenticator,
            Uplink uplink,
            Stores stores,
            RulesInForce rules,
            KafkaHealth kafka,
            Relay relay,
            Departures departures,
            MeterRegistry registered) {
        var topics = stores.retainedTopics;
        this.meters = new BrokerMeters(registered);
        this.isKafkaSilent = kafka::isSilent;
        this.router = new Router(settings.mqtt.shareOrder(), settings.mqtt.subscriptionBytesInAll());
        this.deliveries = new Deliveries(settings.mqtt.deliveriesUnderWay());
        var remote = RemoteRouting.join(node, relay, router, deliveries, stores.journal, registered);
        this.sharedPickup = new SharedPickup(router.shares(), stores.sharedQueues, deliveries, remote.keeping());
        this.sharedRedelivery = new SharedRedelivery(router, stores.journal, deliveries);
        this.sysTopics = new SysTopics(router, deliveries, meters, settings.mqtt.sysInterval(), registry::onlineCount);
        this.wills = new WillPublisher(
                stores.wills, rules, uplink, stores.journal, remote, topics, deliveries, meters, kafka::isAvailable);
        this.endedSessions = new EndedSessions<>(router, registry, ends(lease));
        this.overload = new Overload(limits, () -> Loop.takeLongestDelay(loops.values()), registered);
        this.limiter = new Limiter(limits, overload::refuses, stores.sessions::retainedOf, this::held, registered);
        this.storedFilters = new StoredFilters(settings.bounds.topicLevels(), meters);
        this.fleetSessions = FleetSessions.join(
                node, relay, endedSessions, turns, stores, storeConfig, storedFilters, kafka::isAvailable, meters);
        var known = fleetSessions.subscriptions();
        this.opener = opener(stores, storeConfig);
        var admission = new Admission(authenticator, access, limiter, registered);
        var ways = new Ways(uplink, stores, router, remote, deliveries, sysTopics, known, rules, lease, this::hears);
        this.parts = ConnectionParts.of(settings, admission, departures, ways, meters);
        this.retained = new RetainedMessages(topics, stores.retained, parts.memory(), node::hasAlwaysBeenAlone);
        this.retainedReview = new RetainedReview(topics, node::hasAlwaysBeenAlone, RetainedReview.INTERVAL);
    }

    private SessionOpener opener(Stores stores, StoreConfig config) {
        return new SessionOpener(
                stores.sessions,
                config.openTimeout(),
                stores.journal,
                turns,
                registry,
                fleetSessions,
                wills,
                limiter,
                meters);
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

    /** Begins to read what persistent sessions have subscribed to, and which topics have a retained message. */
    void start(@Observes @Priority(StartOrder.SUBSCRIPTIONS) StartupEvent event) {
        parts.rules().onChange(this::judgeAgain);
        parts.departures().of(registry::all);
        BrokerGauges.register(meters.registry(), router, registry, parts);
        retainedReview.start();
        sysTopics.start();
        wills.start(WillPublisher.LEASE, this::isReady);
        fleetSessions.start();
        parts.remote().start();
        sharedPickup.start();
        overload.start();
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        retainedReview.stop();
        sysTopics.stop();
        wills.stop();
        fleetSessions.stop();
        parts.remote().stop();
        sharedPickup.stop();
        overload.stop();
    }

    private static BiConsumer<Connection, Event> ends(Lease lease) {
        return (connection, end) -> connection.tell(LostSession.told(end, lease));
    }

    /** Sessions have expired while their clients were offline, or have been deleted. */
    void forget(@Observes SessionsEnded ended) {
        for (var session : ended.sessions()) endedSessions.end(session, LostSession.DELETED);
        if (ended.isToldToAll()) fleetSessions.subscriptions().endedEverywhere(ended.sessions());
        else fleetSessions.subscriptions().ended(ended.sessions());
        wills.poke();
    }

    void search(@Observes SessionsUnheard unheard) {
        fleetSessions.search().searchAll();
    }

    /** Whether it knows all subscriptions, those that others had announced before it came included, and all topics that are retained. */
    public boolean hasLoaded() {
        return parts.hasLoaded();
    }

    /** Sessions that have ended leave messages to other members of their Shared Subscriptions; in PostgreSQL until those are known. */
    void redeliver(@Observes OrphanedDeliveries left) {
        if (knowsMembers()) sharedRedelivery.give(left);
    }

    /** Whether a Shared Subscription without members here has none at all: without Kafka, those that come to others are not heard of. */
    private boolean knowsMembers() {
        var isHeard = parts.remote().isAlone() || !isKafkaSilent.getAsBoolean();
        return hasLoaded() && parts.remote().isCurrent() && isHeard;
    }

    /** Starts a connection on its event loop, from which it is called. */
    public Connection connect(ScheduledExecutorService eventLoop, Transport transport, Peer peer) {
        var loop = loops.computeIfAbsent(eventLoop, Loop::new);
        var connection = new Connection(this, parts, retained, loop, transport, peer);
        registry.add(connection);
        loop.add(connection);
        if (parts.departures().isDraining()) connection.tell(Departures.DRAINED);
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
        opener.open(
                connection,
                connect,
                grant,
                connection.proof().identity(),
                parts.limits().sendQuota(grant),
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
        router.attach(connection, resumed, durable, storedFilters.within(connection.clientId(), stored));
        if (durable) fleetSessions.queues().opened(new EndedSession(connection.clientId(), connection.sessionId()));
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
        registry.finished(
                connection, it -> it.flow().predecessor(), it -> it.flow().isFinishing());
    }

    void endSession(Connection connection, Effect.EndSession end) {
        var over = end.sessionExpiry() == 0 ? fleetSessions.subscriptions().ending(connection) : NOTHING;
        // Another gateway may have the session: then it goes on.
        router.detach(connection, end.sessionExpiry() == 0 && fleetSessions.isAlone());
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
                            if (outcome == JournalWrite.Outcome.COMMITTED) over.run();
                            if (outcome == JournalWrite.Outcome.REFUSED)
                                LOG.warnf(
                                        "client %s: PostgreSQL refused the end of its session", connection.clientId());
                            else if (connection.hasWill()) wills.poke();
                        }));
    }

    /**
     * Whether messages that no client has published may go out: it is known who is subscribed, and the event loops of subscribers have
     * room.
     */
    public boolean mayDeliver() {
        return isReady() && !deliveries.areMany();
    }

    private boolean isReady() {
        return parts.lease().lasts() && hasLoaded() && hears();
    }

    /** Without Kafka nothing comes from other gateways: then stored subscriptions are all that can be known. */
    private boolean hears() {
        return parts.remote().isCurrent() || isKafkaSilent.getAsBoolean();
    }

    /**
     * Makes the delivery of a message that no client has published, to be {@link TrackedDelivery#start started}.
     *
     * @param reached subscribers that an earlier attempt has reached: they get nothing more
     * @param answer is told once what has become of all copies, on any thread
     */
    public TrackedDelivery track(
            Message message, Set<SubscriberKey> reached, Consumer<TrackedDelivery.Outcome> answer) {
        return parts.remote().track(message, reached, answer);
    }

    /** Changes whenever somebody may have subscribed or come back. */
    public long subscriptionsVersion() {
        return router.arrivals() + parts.remote().router().version();
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
}
