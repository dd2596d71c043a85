package dev.sluice.broker;

import dev.sluice.access.Peer;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Delivery;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;
import dev.sluice.store.session.SessionStore;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One client's connection: feeds its {@link Session} with events and performs the effects. Confined to its event loop;
 * {@link #tell}, {@link #deliver}, {@link #isReady} and {@link #isClosed} may be called from any thread.
 */
public final class Connection implements RetainedRecipient {
    private final Broker broker;
    private final ConnectionParts parts;
    private final RetainedMessages retained;
    private final Loop loop;
    private final Transport transport;
    private final PacketInput input;
    private final PacketOutput output;
    private final PendingWrites writes;
    private final Session session;
    private final Proof proof;
    private final ConnectionDeadlines deadlines;
    private final FlowControl flow;
    private final Consumer<Effect> perform = this::perform;

    private Publishing publishing;
    private Receiving receiving;
    private long epoch;
    private volatile long sessionId;
    private volatile boolean hasWill;
    private volatile Life life = Life.OPEN;
    private volatile boolean takenOver;
    /** Unspecified until the gateway ends the connection: a socket that closes by itself does not say why. */
    private ReasonCode endReason = ReasonCode.UNSPECIFIED_ERROR;

    private final Readiness readiness = new Readiness();

    Connection(Broker broker, ConnectionParts parts, RetainedMessages retained, Loop loop, Transport wire, Peer peer) {
        this.broker = broker;
        this.parts = parts;
        this.retained = retained;
        this.loop = loop;
        this.transport = wire;
        this.input = new PacketInput(this, transport, parts.limits(), parts.partials());
        this.output = new PacketOutput(
                loop.buffers(), transport, parts.meters(), parts.config().sendBuffer(), this::tell);
        this.writes = new PendingWrites(this, parts.journal(), parts.lease());
        this.flow = new FlowControl(this, parts, loop, input, output, writes);
        this.session = parts.session(flow::mayPublish, flow::hasRoom, it -> receiving.screen(it));
        this.proof = new Proof(parts.admission(), parts.limits(), peer, loop, this::answered);
        this.deadlines = new ConnectionDeadlines(
                parts.config(),
                parts.deadline(),
                proof,
                transport.acceptedAt(),
                loop.late(),
                parts.departures().lifetime());
    }

    /** Takes the next bytes of the stream, in pieces of any size; reads them all, or copies the bytes that it cannot look at yet. */
    public void received(ByteBuffer bytes) {
        input.received(bytes);
    }

    /** Ends a turn of reading: all packets that it made the connection send leave as one WebSocket message. */
    public void readComplete() {
        input.endTurn();
        loop.flush();
    }

    void received(Packet packet) {
        parts.meters().received(packet);
        on(new Event.Received(packet));
    }

    boolean mayRead() {
        return life == Life.OPEN && flow.mayRead(session);
    }

    /** Its socket is not read; returns whether that is because its CONNECT has not been answered. */
    boolean paused() {
        flow.paused(session);
        return session.phase() instanceof Phase.Opening || session.phase() instanceof Phase.Authenticating;
    }

    void resume() {
        flow.resume(session);
    }

    @Override
    public void tell(Event event) {
        loop.execute(() -> on(event));
    }

    @Override
    public void deliver(Delivery delivery) {
        loop.execute(() -> delivered(delivery));
    }

    @Override
    public void delivered(Delivery delivery) {
        if (receiving == null || receiving.takes(delivery)) on(new Event.Deliver(delivery));
    }

    void on(Event event) {
        try {
            session.on(event, ClientTrace.of(clientId(), event, perform));
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
        noteReady();
        if (event instanceof Event.Deliver) return; // nothing that the client publishes goes on by it
        flow.retryHeld(session);
        leaveIfSettled();
        finishIfDone(false);
    }

    void failed(Throwable bug) {
        proof.logFault(bug);
        var wasOnline = !isClosed() && session.phase() instanceof Phase.Online;
        close(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "a fault of the gateway: " + bug);
        if (wasOnline) broker.endSession(this, unused(true));
        finishIfDone(true);
    }

    @Override
    public void unreadable(Throwable bug) {
        proof.logFault(bug);
        tell(new Event.Ended(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "the client's messages cannot be read"));
    }

    /** Ends the connection if its packet is still not whole: too much is held for such packets, and it has waited longest. */
    void giveUpPartialPacket() {
        if (!isClosed() && input.isPartial())
            on(new Event.Faulted(parts.partials().fault(), input.version()));
    }

    private void noteReady() {
        var closed = isClosed();
        readiness.note(!closed && session.isReady() && !writes.isFull(), closed);
    }

    @Override
    public boolean isReady() {
        return readiness.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        readiness.add(task);
        noteReady();
    }

    private void perform(Effect effect) {
        switch (effect) {
            case Effect.Send(var packet) -> {
                flow.sends(packet);
                if (output.write(packet, input.version(), session.grant())) loop.wantsFlush(this);
            }
            case Effect.OfPublisher it -> flow.perform(it);
            case Effect.OfReceiver it -> receiving.perform(it);
            case Effect.OfAuthentication it -> proof.perform(it);
            case Effect.Exceeded(var bound) -> parts.meters().exceeded(bound);
            case Effect.Settle(var receipt, var outcome) -> receipt.settle(outcome);
            case Effect.OpenSession(var connect, var grant) -> {
                hasWill = connect.will() != null;
                input.admitAll();
                broker.open(this, connect, grant);
            }
            case Effect.Start(var grant) -> broker.online(this, grant);
            case Effect.EndSession end -> broker.endSession(this, input.saidGoodbye() ? end.withoutWill() : end);
            case Effect.Finish(var sessionGoesOn) -> {
                flow.finish(sessionGoesOn);
                broker.finishing(this);
            }
            case Effect.Close(var reason, var why) -> close(reason, why);
        }
    }

    void flush() {
        output.flush();
        stopIfSlow();
    }

    /** Reads no more from a client that does not read; the endpoint asks when it has answered a ping. */
    public void stopIfSlow() {
        if (!isClosed() && output.isSlow()) input.stopReading();
    }

    /** Takes the session, whose row is this connection's now; {@code mayGo} as {@link Publishing} wants it. */
    void opened(SessionStore.OpenedSession opened, BooleanSupplier mayGo) {
        epoch = opened.epoch();
        sessionId = opened.id();
        // The connection was closed meanwhile, and nobody else would end the session.
        if (isClosed()) broker.openedInVain(this, opened, unused(!input.saidGoodbye()));
        else start(opened, mayGo);
    }

    /** The session's row is this connection's, but what must come before the client takes too long: it is refused. */
    void notOpened(SessionStore.OpenedSession opened) {
        epoch = opened.epoch();
        sessionId = opened.id();
        on(SessionOpener.NOT_NOW);
        broker.openedInVain(this, opened, unused(false));
    }

    /** A later connection has the session; from any thread. Completed as {@link ConnectionRegistry#takeOver} says. */
    CompletableFuture<Long> takeOver() {
        takenOver = true;
        var sentSeq = new CompletableFuture<Long>();
        loop.execute(() -> {
            on(LostSession.told(LostSession.TAKEN_OVER, parts.lease()));
            sentSeq.complete(session.sentSeq());
        });
        return sentSeq;
    }

    @Override
    public boolean isTakenOver() {
        return takenOver;
    }

    private Effect.EndSession unused(boolean publishWill) {
        return new Effect.EndSession(session.grant().sessionExpiry(), endReason, 0, publishWill);
    }

    private void start(SessionStore.OpenedSession opened, BooleanSupplier mayGo) {
        // A session that was resumed has its queue in PostgreSQL, even if it is to end with this connection.
        var durable = session.grant().sessionExpiry() > 0 || opened.present();
        var rights =
                ClientRights.of(parts.rules(), parts.meters(), proof.identity().as(clientId()));
        publishing = new Publishing(this, parts, rights, proof.identity().username(), durable, input.version(), mayGo);
        flow.opened(publishing, broker.finishing(clientId()));
        receiving = new Receiving(this, parts, retained, rights, session.grant(), durable, opened.sentSeq());
        var left = receiving.resumed(opened);
        var begun = retained.topics().begin(() -> broker.attach(this, opened.present(), durable, left));
        var queued = opened.queued() || begun.answer() > opened.lastSeq();
        on(new Event.SessionOpened(opened.present(), durable, opened.notes(), opened.lastSeq(), queued));
        if (opened.retainedDue()) receiving.resumeRetained(begun.stamp());
        resume();
    }

    /** The rules have changed, or the client has proved again who it is. */
    void judgeAgain() {
        if (receiving != null && !isClosed())
            receiving.judgeAgain(proof.identity().as(clientId()));
    }

    /** Tells the session what Kafka, the journal or who judges credentials has answered. */
    void answered(Event event) {
        if (event instanceof Event.Authenticated) judgeAgain();
        on(event);
        progressed();
    }

    /** Kafka or the journal has answered something. */
    void progressed() {
        deadlines.progressed(System.nanoTime());
        noteReady();
        if (flow.isHeldUp(session)) resume();
        leaveIfSettled();
        finishIfDone(false);
    }

    PendingWrites writes() {
        return writes;
    }

    /** The loop's clock, once a second. */
    void tick(long now) {
        deadlines.excuse(loop.late());
        if (!flow.isWaiting(session)) deadlines.progressed(now);
        if (flow.isFinishing() && deadlines.isOverdue(now))
            on(new Event.Ended(ReasonCode.SERVER_BUSY, ConnectionDeadlines.NO_ANSWER));
        if (isClosed()) return;
        var moved = output.noteProgress();
        var reading = input.reading(now);
        var end = deadlines.late(now, session.phase(), session.grant(), reading, moved);
        if (end != null) on(end);
        if (isClosed()) return;
        if (deadlines.takePing(now, session.phase(), session.grant(), reading.lastPacket())) transport.ping();
        if (deadlines.takeOld(now, session.phase())) parts.departures().grownOld(this);
        if (output.hasRoom()) on(new Event.Drained());
        leaveIfSettled();
    }

    /** The socket takes bytes again. Sends what waits for that, but in a later turn: this may be called from within a send. */
    public void writable() {
        loop.execute(() -> {
            if (!isClosed() && output.hasRoom()) on(new Event.Drained());
            resume();
        });
    }

    /** Ends a client that is to go, once nothing is half done. */
    private void leaveIfSettled() {
        var end = isClosed() ? null : flow.farewell(session);
        if (end != null) on(end);
    }

    /** The socket is gone. What the client had sent is still looked at, when there is room for it; not if it broke the rules. */
    public void transportClosed() {
        if (isClosed() || endReason.isError() && endReason != ReasonCode.UNSPECIFIED_ERROR || !input.end()) gone();
    }

    /** All that the client had sent before its socket closed has been looked at. */
    void gone() {
        if (life == Life.GONE) return;
        var lost = !isClosed() && session.phase() instanceof Phase.Online;
        if (!isClosed()) on(new Event.TransportClosed());
        if (life == Life.GONE) return; // a fault has closed the socket from here
        life = Life.GONE;
        input.drop();
        proof.stop();
        if (receiving != null) receiving.close();
        parts.meters().abandoned(session.discard());
        noteReady();
        if (!flow.isFinishing()) gone(lost);
    }

    /** @param lost whether the socket closed by itself while the client was online */
    private void gone(boolean lost) {
        if (publishing != null) publishing.close();
        loop.remove(this);
        broker.closed(this, endReason, lost);
    }

    private void finishIfDone(boolean over) {
        if (!flow.finishes(session, over)) return;
        broker.finished(this);
        if (life == Life.GONE) gone(false);
    }

    FlowControl flow() {
        return flow;
    }

    private void close(ReasonCode reason, String why) {
        if (isClosed()) return;
        life = Life.CLOSING;
        endReason = reason;
        input.drop();
        proof.stop();
        if (publishing != null && !flow.isFinishing()) publishing.close();
        flush();
        transport.close(Transport.status(reason));
        broker.closing(this, reason, why);
        if (input.hasEnded()) loop.execute(this::gone);
    }

    /** Notes the reason, before the endpoint closes the socket itself. */
    public void noteEndReason(ReasonCode reason) {
        endReason = reason;
    }

    @Override
    public boolean isClosed() {
        return life.isOver();
    }

    Proof proof() {
        return proof;
    }

    @Override
    public boolean hasWill() {
        return hasWill;
    }

    @Override
    public String clientId() {
        return session.grant() == null ? null : session.grant().clientId();
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public long sessionId() {
        return sessionId;
    }

    @Override
    public Loop loop() {
        return loop;
    }
}
