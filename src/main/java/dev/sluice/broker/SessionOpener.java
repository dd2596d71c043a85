package dev.sluice.broker;

import dev.sluice.access.Identity;
import dev.sluice.access.limit.Limit;
import dev.sluice.access.rule.RequesterJson;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.clock.BackOff;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.ForeignSession;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.SessionStore.OpenRequest;
import dev.sluice.store.session.SessionStore.OpenedSession;
import dev.sluice.store.session.TooManySessions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Opens sessions, each on a virtual thread of its own when it is its client's turn. Before it tells the connection, the one that held the
 * session has ended, and the wills that are due are told. Any thread may use it.
 */
final class SessionOpener {
    private static final Logger LOG = Logger.getLogger(SessionOpener.class);

    static final Event NOT_NOW =
            new Event.OpenFailed(ReasonCode.SERVER_UNAVAILABLE, "sessions cannot be opened at the moment");

    static final Event OVERTAKEN =
            new Event.OpenFailed(ReasonCode.SERVER_BUSY, "a later connection of the client has its session");

    private final SessionStore sessions;
    private final Duration timeout;
    private final Journal journal;
    private final SessionTurns turns;
    private final ConnectionRegistry<?> registry;
    private final FleetSessions fleet;
    private final WillPublisher wills;
    private final Limiter limiter;
    private final BrokerMeters meters;

    /** @param timeout the longest that a client waits, from its CONNECT */
    SessionOpener(
            SessionStore sessions,
            Duration timeout,
            Journal journal,
            SessionTurns turns,
            ConnectionRegistry<?> registry,
            FleetSessions fleet,
            WillPublisher wills,
            Limiter limiter,
            BrokerMeters meters) {
        this.sessions = sessions;
        this.timeout = timeout;
        this.journal = journal;
        this.turns = turns;
        this.registry = registry;
        this.fleet = fleet;
        this.wills = wills;
        this.limiter = limiter;
        this.meters = meters;
    }

    /**
     * Opens the session that a CONNECT asks for, unless its will could never be published.
     *
     * @param identity whose it is
     * @param sendQuota messages that the connection may be sent before PostgreSQL knows an answer
     * @param opened takes the session, and whether what its client publishes may go to Kafka now; on the connection's loop
     * @param notOpened takes the session if what must come before its client takes too long; on the connection's loop
     */
    void open(
            RetainedRecipient connection,
            Packet.Connect connect,
            Grant grant,
            Identity identity,
            int sendQuota,
            BiConsumer<OpenedSession, BooleanSupplier> opened,
            Consumer<OpenedSession> notOpened) {
        var request = request(connect, grant, identity, sendQuota);
        var turn = turns.take(request.clientId());
        Thread.ofVirtual().name("sluice-open").start(() -> {
            try {
                var refusal = wills.check().refusal(connect, identity.as(request.clientId()));
                var most = limiter.sessions(identity);
                if (refusal.isPresent()) refuse(connection, turn, refusal.get());
                else if (most < Long.MAX_VALUE && sessions.othersOf(request, most) >= most)
                    refuse(connection, turn, limiter.refuseToOpen(Limit.SESSIONS, request.clientId()));
                else if (!mayRetain(connect.will(), identity))
                    refuse(connection, turn, limiter.refuseToOpen(Limit.RETAINED, request.clientId()));
                else open(connection, request, turn, opened, notOpened);
            } catch (ForeignSession foreign) {
                refuse(connection, turn, new Event.OpenFailed(ReasonCode.NOT_AUTHORIZED, foreign.getMessage()));
            } catch (TooManySessions full) {
                meters.exceeded("sessions-maximum");
                refuse(connection, turn, new Event.OpenFailed(ReasonCode.QUOTA_EXCEEDED, full.getMessage()));
            } catch (StoreUnavailable away) {
                LOG.debugf("client %s not opened: %s", request.clientId(), away.getMessage());
                connection.tell(NOT_NOW);
                if (away.isInDoubt()) endIfOpened(request, turn);
                else turn.end();
            } catch (RuntimeException refused) {
                LOG.warnf(refused, "client %s not opened", request.clientId());
                var why = new Event.OpenFailed(ReasonCode.UNSPECIFIED_ERROR, "the session cannot be opened");
                refuse(connection, turn, why);
            }
        });
    }

    /** Whether the identity's retained messages have room for the will: asked here, as the limit may be gone with its client. */
    private boolean mayRetain(Will will, Identity identity) {
        var most = limiter.retained(identity);
        if (most == Long.MAX_VALUE || !wills.addsRetained(will)) return true;
        return sessions.retainedBeside(will.topicName(), identity.name(), most) < most;
    }

    private OpenRequest request(Packet.Connect connect, Grant grant, Identity identity, int sendQuota) {
        return new OpenRequest(
                grant.clientId(),
                connect.cleanStart(),
                connect.version().level(),
                grant.sessionExpiry(),
                identity.name(),
                fleet.gateways().self().id(),
                sendQuota,
                connect.will(),
                connect.will() == null ? null : RequesterJson.write(identity.as(grant.clientId())),
                limiter.queue(identity, grant.clientId()));
    }

    private static void refuse(RetainedRecipient connection, SessionTurns.Turn turn, Event why) {
        turn.end();
        connection.tell(why);
    }

    private void open(
            RetainedRecipient connection,
            OpenRequest request,
            SessionTurns.Turn turn,
            BiConsumer<OpenedSession, BooleanSupplier> opened,
            Consumer<OpenedSession> notOpened) {
        var end = System.nanoTime() + timeout.toNanos();
        awaitTurn(turn);
        // A client that gave up waiting must not take the session from its own next connection.
        if (connection.isClosed()) {
            turn.end();
            return;
        }
        var session = sessions.open(request, until(end));
        // Who held it before has no more than its share of the time: the rest is for the will.
        var third = until(end).dividedBy(3);
        var hurryAt = System.nanoTime() + 2 * third.toNanos();
        var sentSeq = await(fleet.takeOvers().end(request.clientId(), session), third);
        if (session.replacedId() > 0)
            fleet.subscriptions().ended(List.of(new EndedSession(request.clientId(), session.replacedId())));
        var elsewhere = fleet.takeOvers().wasElsewhere(session);
        if (elsewhere && sentSeq != null) release(session);
        var ahead = wills.ahead(session.dueWills(), connection::isClosed);
        var told = elsewhere && sentSeq == null ? awaitTold(ahead, session, hurryAt, end) : ahead.awaitTold(until(end));
        connection.loop().execute(() -> {
            turns.hold(turn);
            try {
                if (told) opened.accept(session.sentUpTo(sentSeq == null ? 0 : sentSeq), ahead::arePublished);
                else notOpened.accept(session);
            } finally {
                // This gateway knows the new owner: the client's next open may follow.
                turns.release(turn);
            }
        });
    }

    private void release(OpenedSession session) {
        wills.release(session.dueWills(), session.former().epoch());
    }

    /**
     * Waits until the wills are told, where the gateway that held the session is silent: a DISCONNECT there may still withdraw the last one,
     * for the two seconds after which that falls due, but not for so long that this client's time is over by then.
     */
    private boolean awaitTold(WillsAhead ahead, OpenedSession session, long hurryAt, long end) {
        if (ahead.awaitTold(until(hurryAt))) return true;
        release(session);
        wills.poke();
        return ahead.awaitTold(until(end));
    }

    private static Duration until(long end) {
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    }

    /**
     * Waits until the client's earlier CONNECTs, and the end of its last connection here, are written: that may have withdrawn the
     * will [MQTT-3.14.4-3].
     */
    private void awaitTurn(SessionTurns.Turn turn) {
        if (!sessions.isAvailable()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        if (!turn.await(timeout)) throw new StoreUnavailable("no turn within " + timeout, null);
    }

    /** The last row of the queue that the connection before has sent; 0 if there was none, null if it does not say so in time. */
    private static Long await(CompletableFuture<Long> sentSeq, Duration within) {
        if (sentSeq.isDone()) return sentSeq.getNow(0L);
        try {
            return sentSeq.get(Math.min(FleetTakeOvers.PATIENCE.toNanos(), within.toNanos()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            return null;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return null;
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("the end of a connection", impossible);
        }
    }

    /**
     * The answer to the COMMIT of an open is missing. If it was opened, nobody holds the session, and it is ended: else it would never
     * expire, and the client's next CONNECT would resume what it knows nothing of. The client's turn lasts until that is known.
     */
    void endIfOpened(OpenRequest request, SessionTurns.Turn turn) {
        try {
            var epoch = epoch(request);
            if (epoch <= registry.epoch(request.clientId())) {
                turn.end();
                return;
            }
            // Whose connection it was until then only the answer would have said.
            fleet.takeOvers().endEverywhere(request.clientId(), epoch);
            submit(new JournalWrite.CloseSession(
                    request.clientId(),
                    epoch,
                    request.expirySeconds(),
                    ReasonCode.SERVER_UNAVAILABLE.value(),
                    0,
                    false,
                    _ -> turn.end()));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            turn.end();
        }
    }

    private long epoch(OpenRequest request) throws InterruptedException {
        for (var backOff = new BackOff(); ; Thread.sleep(backOff.pause())) {
            try {
                return sessions.connectedEpoch(request.clientId(), request.node());
            } catch (StoreUnavailable _) {
                backOff.tried(false);
            }
        }
    }

    private void submit(JournalWrite write) throws InterruptedException {
        for (var backOff = new BackOff(); !journal.submit(write); backOff.tried(false)) Thread.sleep(backOff.pause());
    }
}
