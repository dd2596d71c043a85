package dev.sluice.broker;

import dev.sluice.packet.Packet;
import dev.sluice.session.Event;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;

/**
 * Decides whether one connection's socket is read and whether what its client publishes may go on, and sees to it that this is asked
 * again. While PUBLISHes are held, everything else is read and answered. Confined to the connection's event loop.
 */
final class FlowControl {
    private final Connection connection;
    private final ConnectionParts parts;
    private final Loop loop;
    private final PacketInput input;
    private final PacketOutput output;
    private final PendingWrites writes;
    /** Null until the session is open. */
    private Publishing publishing;
    /** This client's last connection, whose messages come before those of this one; null for none, or once they have gone. */
    private Connection predecessor;
    /** True while what the client published before its DISCONNECT is under way, with or without its socket. */
    private volatile boolean finishing;

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
    }

    /** @param predecessor the client's last connection, if it has not {@link Connection#isFinishing finished}; else null */
    void opened(Publishing publishing, Connection predecessor) {
        this.publishing = publishing;
        this.predecessor = predecessor;
    }

    /** Whether there is room for what one more packet may ask for, be it a PUBLISH that is held. */
    boolean mayRead(Session session) {
        return session.wantsMore() && !writes.isOverfull() && (input.hasEnded() || !output.isSlow());
    }

    /** Whether Kafka, PostgreSQL and the event loops of subscribers have room for a PUBLISH. */
    boolean mayPublish(Packet.Publish publish) {
        return !publishing.holdsBack(publish)
                && !writes.isFull()
                && !parts.deliveries().areMany()
                && !waitsForPredecessor();
    }

    private boolean waitsForPredecessor() {
        if (predecessor != null && !predecessor.isFinishing()) predecessor = null;
        return predecessor != null;
    }

    /** The socket is not read. A client that waits for its CONNACK says itself when it is to be read on. */
    void paused(Session session) {
        parts.meters().paused();
        if (session.wantsMore() || hasToGoOn(session)) loop.paused(connection);
    }

    /** PUBLISHes may be held, or stalled on their way: they are tried again after a while, and whenever something has been answered. */
    void retryHeld(Session session) {
        if (hasToGoOn(session)) loop.paused(connection);
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
        if (!isHeldUp(session)) loop.resumed(connection);
        else if (session.wantsMore() || hasToGoOn(session)) loop.paused(connection);
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

    /** Whether the client waits for Kafka, for PostgreSQL or for subscribers, and not only they for the client. */
    boolean isWaiting(Session session) {
        if (session.isWaiting() || publishing != null && publishing.isWaiting()) return true;
        return session.lacksRoom();
    }
}
