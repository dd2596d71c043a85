package dev.sluice.broker;

import dev.sluice.access.limit.Allowance.Excess;
import dev.sluice.config.LimitsConfig.OnExcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;
import java.time.Duration;
import java.util.function.BiConsumer;

/**
 * Decides whether one connection's socket is read and whether what its client publishes may go on, and sees to it that this is asked
 * again. While PUBLISHes are held, everything else is read and answered. Confined to the connection's event loop.
 */
final class FlowControl {
    /** How long a client that is to go may take to answer what it was sent; then that is left for its next connection. */
    private static final long PATIENCE = Duration.ofSeconds(1).toNanos();

    private static final Event SHARE_USED_UP = new Event.Ended(
            ReasonCode.MESSAGE_RATE_TOO_HIGH, "the client's last connection waits for its share already");

    private final Connection connection;
    private final ConnectionParts parts;
    private final Loop loop;
    private final PacketInput input;
    private final PacketOutput output;
    private final PendingWrites writes;
    private final BiConsumer<Duration, Runnable> after;
    private final Runnable retry;
    private final Runnable drained;
    private final CatchingUp catchingUp;
    /** Null until the session is open. */
    private Publishing publishing;
    /** This client's last connection, whose messages come before those of this one; null for none, or once they have gone. */
    private Connection predecessor;
    /** True once the client has published more than it may, and is about to be disconnected for that. */
    private boolean ending;
    /** True while what the client published before its DISCONNECT is under way, with or without its socket. */
    private volatile boolean finishing;
    /** Since when the client is to go; the JVM's nanoseconds. */
    private long leavingSince;
    /** Whether some of that waits for the client's share. */
    private volatile boolean waitsForShare;

    FlowControl(
            Connection connection,
            ConnectionParts parts,
            Loop loop,
            PacketInput input,
            PacketOutput output,
            PendingWrites writes) {
        this.connection = connection;
        this.parts = parts;
        this.loop = loop;
        this.input = input;
        this.output = output;
        this.writes = writes;
        this.after = loop::after;
        this.retry = () -> {
            if (!connection.isClosed() || finishing) connection.resume();
        };
        this.catchingUp = new CatchingUp(parts.remote(), loop, retry);
        this.drained = () -> {
            if (!connection.isClosed()) connection.on(new Event.Drained());
        };
    }

    /** @param predecessor the client's last connection, if it has not {@link #isFinishing finished}; else null */
    void opened(Publishing publishing, Connection predecessor) {
        this.publishing = publishing;
        this.predecessor = predecessor;
    }

    /** Whether there is room for what one more packet may ask for, be it a PUBLISH that is held, and the client can still be here. */
    boolean mayRead(Session session) {
        return serves() && session.wantsMore() && !writes.isOverfull() && (input.hasEnded() || !output.isSlow());
    }

    /** Whether this gateway has a right to serve, and hears what others tell. */
    private boolean serves() {
        return parts.lease().lasts() && parts.hears().getAsBoolean();
    }

    /** Whether it is known who gets a PUBLISH, and the client's share, Kafka, PostgreSQL and the event loops of subscribers have room. */
    boolean mayPublish(Packet.Publish publish) {
        return parts.hasLoaded()
                && !isOverItsShare()
                && !publishing.holdsBack(publish)
                && !writes.isFull()
                && !parts.deliveries().areMany()
                && !waitsForPredecessor()
                && !catchingUp.holdsBack(publish.topicName());
    }

    private boolean isOverItsShare() {
        var limits = connection.proof().clientLimits();
        return limits != null && limits.holdsBack();
    }

    /** Whether the socket and the client's share have room for a message. */
    boolean hasRoom() {
        if (!output.hasRoom()) return false;
        var limits = connection.proof().clientLimits();
        return limits == null || limits.mayBeSent(after, drained);
    }

    /** A packet is sent to the client. */
    void sends(Packet packet) {
        var limits = connection.proof().clientLimits();
        if (limits != null) limits.sends(packet);
    }

    /** Performs what the client's share has room for; what is over is refused, or ends the connection. */
    void perform(Effect.OfPublisher effect) {
        var limits = connection.proof().clientLimits();
        if (limits == null || !(effect instanceof Effect.Forward(var publish, var _))) {
            publishing.perform(effect);
            return;
        }
        if (ending) return; // nothing overtakes the PUBLISH that ends the connection
        var excess = limits.publishes(publish);
        if (excess == null) publishing.perform(effect);
        else refuse(publish, excess);
    }

    private void refuse(Packet.Publish publish, Excess excess) {
        var limiter = parts.admission().limiter();
        var why = Limiter.sentence(excess.limit(), excess.scope());
        if (limiter.onExcess(excess.limit()) == OnExcess.DISCONNECT) {
            ending = true;
            limiter.count(excess.limit(), excess.scope(), "disconnected");
            loop.execute(() -> connection.on(new Event.Ended(ReasonCode.MESSAGE_RATE_TOO_HIGH, why)));
        } else {
            limiter.count(excess.limit(), excess.scope(), "refused");
            if (publish.qos() == QoS.AT_MOST_ONCE) return;
            var refused = new Event.Forwarded(publish.packetId(), publish.qos(), ReasonCode.QUOTA_EXCEEDED, why, null);
            loop.execute(() -> connection.answered(refused));
        }
    }

    /** Has what is held, or not read, tried again later. */
    private void tryLater() {
        var limits = connection.proof().clientLimits();
        if (limits == null || publishing == null || publishing.isStalled() || !limits.holdsBack()) {
            loop.paused(connection);
        } else if (input.hasEnded() && !finishing) {
            loop.execute(connection::gone); // nobody waits for the share of a client that has gone without a word
        } else {
            // It knows how long that takes, so that it need not ask again and again.
            loop.resumed(connection);
            limits.whenItMayPublish(after, retry);
        }
    }

    /** One that gives up lets nobody past those before it: what it has noted of them is safe to read, as it is not finishing any more. */
    private boolean waitsForPredecessor() {
        while (predecessor != null && !predecessor.flow().finishing) predecessor = predecessor.flow().predecessor;
        return predecessor != null;
    }

    /** The client's connection before this one whose messages have not all gone; null for none. */
    Connection predecessor() {
        return waitsForPredecessor() ? predecessor : null;
    }

    /**
     * Of a client's connections that have said DISCONNECT, one may wait for its share. A further one gives up what it holds, which is
     * counted: else each round of CONNECT, PUBLISH and DISCONNECT would leave one more.
     */
    private boolean givesUp(Session session) {
        if (!finishing || !session.isHolding() || !isOverItsShare()) {
            if (waitsForShare) waitsForShare = false;
            return false;
        }
        if (waitsForPredecessor() && predecessor.flow().waitsForShare) {
            loop.execute(() -> connection.on(SHARE_USED_UP));
            return true;
        }
        waitsForShare = true;
        return false;
    }

    /** The socket is not read. A client that waits for its CONNACK says itself when it is to be read on. */
    void paused(Session session) {
        parts.meters().paused();
        if (session.wantsMore() || hasToGoOn(session)) tryLater();
    }

    /** PUBLISHes may be held, or stalled on their way: they are tried again after a while, and whenever something has been answered. */
    void retryHeld(Session session) {
        if (hasToGoOn(session) && !givesUp(session)) tryLater();
    }

    private boolean hasToGoOn(Session session) {
        return session.isHolding() || publishing != null && publishing.isStalled();
    }

    /** Whether the socket is not read, or something is held or stalled. */
    boolean isHeldUp(Session session) {
        return hasToGoOn(session) || input.isPaused() && !connection.isClosed();
    }

    /** Lets go on what can, in the order received: what is held comes before what is not read. */
    void resume(Session session) {
        if (!serves() && isHeldUp(session)) {
            tryLater();
            return;
        }
        if (publishing != null) publishing.retry();
        if (session.canResume()) {
            loop.moved();
            connection.on(new Event.Resumed());
            if (session.canResume()) loop.execute(connection::resume); // in a turn of its own
        }
        if (input.isPaused() && !connection.isClosed() && connection.mayRead()) {
            loop.moved();
            input.resume();
        }
        if (!isHeldUp(session) || givesUp(session)) loop.resumed(connection);
        else if (session.wantsMore() || hasToGoOn(session)) tryLater();
    }

    /** The client has said DISCONNECT; what it has published goes on. */
    void finish(boolean sessionGoesOn) {
        publishing.finish(sessionGoesOn);
        finishing = true;
    }

    /** Whether messages of a client that has said DISCONNECT are still on their way; from any thread. */
    boolean isFinishing() {
        return finishing;
    }

    /** Returns whether the last of them has just gone, or is given up as all is {@code over}; then its publishing is closed. */
    boolean finishes(Session session, boolean over) {
        if (!finishing || !over && !isSettled(session)) return false;
        finishing = false;
        publishing.close();
        return true;
    }

    /** Whether nothing that the client has asked for is under way, or could go on without it. */
    boolean isSettled(Session session) {
        return session.phase() instanceof Phase.Closed || !isWaiting(session) && !session.canResume();
    }

    /** The end of a client that is to go: nothing is half done any more, or the client takes too long to answer. Null if it stays for now. */
    Event.Ended farewell(Session session) {
        if (!(session.phase() instanceof Phase.Online(var leave)) || leave == null) return null;
        var now = System.nanoTime();
        if (leavingSince == 0) leavingSince = now;
        if (!isSettled(session)) return null;
        return session.isBetweenExchanges() || now - leavingSince > PATIENCE ? leave.end() : null;
    }

    /** Whether the client waits for Kafka, for PostgreSQL or for subscribers, and not only they for the client, or it for its share. */
    boolean isWaiting(Session session) {
        if (session.isWaiting() || publishing != null && publishing.isWaiting()) return true;
        return session.lacksRoom() && !isOverItsShare();
    }
}
