package dev.sluice.broker;

import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Delivery;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.SessionStore;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * One client's connection: feeds its {@link Session} with events and performs the effects. Confined to its event loop;
 * {@link #tell}, {@link #deliver}, {@link #isReady} and {@link #isClosed} may be called from any thread.
 */
public final class Connection {
    private final Broker broker;
    private final Loop loop;
    private final Transport transport;
    private final Inlet inlet;
    private final Outbox outbox;
    private final PendingWrites writes;
    private final Session session;
    private final Watch watch;
    private final Consumer<Effect> perform = this::perform;

    private Publishing publishing;
    private Receiving receiving;
    private long epoch;
    private long sessionId;
    private String username;
    private boolean hasWill;
    private boolean draining;
    private volatile boolean closed;
    private boolean gone;
    private boolean lost;
    /** What the socket's own end counts as: nobody has said why. */
    private ReasonCode endReason = ReasonCode.UNSPECIFIED_ERROR;

    private volatile boolean ready;
    private List<Runnable> waitingForReady = List.of();

    Connection(Broker broker, Loop loop, Transport transport) {
        this.broker = broker;
        this.loop = loop;
        this.transport = transport;
        this.inlet = new Inlet(this, transport, broker.limits().maximumPacketSize());
        this.outbox =
                new Outbox(loop, transport, broker.meters(), broker.config().sendBuffer());
        this.writes = new PendingWrites(broker.journal(), loop);
        this.session = new Session(broker.limits(), broker.memory(), outbox::hasRoom, System::currentTimeMillis);
        this.watch = new Watch(broker.config(), broker.deadline());
    }

    /** Takes bytes of the stream, in whatever pieces they come; reads them all, or copies what it cannot look at yet. */
    public void received(ByteBuffer bytes) {
        inlet.received(bytes);
    }

    /** Ends a turn of reading: what it made the connection send leaves as one message. */
    public void readComplete() {
        loop.flush();
    }

    void received(Packet packet) {
        broker.meters().received(packet);
        on(new Event.Received(packet));
    }

    boolean mayRead() {
        return !draining
                && session.wantsMore()
                && (publishing == null || !publishing.holdsBack())
                && !writes.isFull()
                && !broker.hasManyUnderWay()
                && !outbox.isSlow();
    }

    /** Whether its CONNECT waits for PostgreSQL. */
    boolean isOpening() {
        return session.phase() instanceof Phase.Opening;
    }

    void paused() {
        broker.meters().paused();
        retryLater();
    }

    /** The session says itself when it wants more; Kafka's backlog and slow sockets are looked at again. */
    private void retryLater() {
        if (session.wantsMore()) loop.paused(this);
    }

    /** Reads on if what made the connection pause is over. */
    void resume() {
        if (!inlet.isPaused() || closed) return;
        if (publishing != null) publishing.retry();
        if (!mayRead()) retryLater();
        else loop.resumed(this, inlet.resume());
    }

    /** Tells the session an event from any thread. */
    public void tell(Event event) {
        loop.execute(() -> on(event));
    }

    /** Gives the client a message, from any thread. */
    public void deliver(Delivery delivery) {
        loop.execute(() -> delivered(delivery));
    }

    public void delivered(Delivery delivery) {
        // A message on its way to a member of a Shared Subscription that has left goes to another one.
        var missed = closed && delivery.share() != null && delivery.seq() == 0 && delivery.receipt() == null;
        if (missed && delivery.qos() != QoS.AT_MOST_ONCE) receiving.giveBack(List.of(delivery));
        else on(new Event.Deliver(delivery));
    }

    void on(Event event) {
        try {
            session.on(event, ClientTrace.of(clientId(), event, perform));
        } catch (RuntimeException bug) {
            broker.failed(this, bug);
            var wasOnline = !closed && session.phase() instanceof Phase.Online;
            close(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "a fault of the gateway: " + bug);
            if (wasOnline) broker.ended(this, unused());
        }
        noteReady();
    }

    private void noteReady() {
        var now = !closed && session.isReady() && !writes.isFull();
        if (now != ready) ready = now;
        if (waitingForReady.isEmpty() || !now && !closed) return;
        var waiting = waitingForReady;
        waitingForReady = List.of();
        waiting.forEach(Runnable::run);
    }

    /** Whether a message for the client could be sent at once; from any thread. */
    public boolean isReady() {
        return ready;
    }

    /** Runs a task when the client can take a message, or is gone. */
    void whenReady(Runnable task) {
        if (waitingForReady.isEmpty()) waitingForReady = new ArrayList<>(1);
        waitingForReady.add(task);
        noteReady();
    }

    private void perform(Effect effect) {
        switch (effect) {
            case Effect.Send(var packet) -> send(packet);
            case Effect.Forward(var publish) -> publishing.forward(publish);
            case Effect.Accept(var publish, var messageId) -> publishing.accept(publish, messageId);
            case Effect.Acknowledge(var seq, var sentSeq) -> receiving.acknowledge(seq, sentSeq);
            case Effect.MarkReceived(var seq) -> receiving.markReceived(seq);
            case Effect.LoadQueue(var afterSeq, var limit) -> receiving.loadQueue(afterSeq, limit);
            case Effect.Drop(var _, var why) -> broker.meters().dropped(why);
            case Effect.Settle(var receipt, var outcome) -> receipt.settle(outcome);
            case Effect.Forget(var packetId) ->
                journal(new JournalWrite.ForgetReceived(
                        clientId(), epoch, packetId, journalled(() -> on(new Event.Forgotten(packetId)))));
            case Effect.Subscribe(var subscribe) -> receiving.subscribe(subscribe);
            case Effect.Unsubscribe(var unsubscribe) -> receiving.unsubscribe(unsubscribe);
            case Effect.OpenSession(var connect, var grant) -> open(connect, grant);
            case Effect.Start(var grant) -> broker.opened(this, grant);
            case Effect.EndSession end -> broker.ended(this, end);
            case Effect.Return(var left) -> receiving.giveBack(left);
            case Effect.Close(var reason, var why) -> close(reason, why);
        }
    }

    private void send(Packet packet) {
        var version = inlet.version() == null ? ProtocolVersion.V3_1_1 : inlet.version();
        var largest = session.grant() == null ? Long.MAX_VALUE : session.grant().clientMaximumPacketSize();
        if (outbox.write(packet, version, largest)) loop.wantsFlush(this);
    }

    void flush() {
        outbox.flush();
        if (!closed && outbox.isSlow()) inlet.pause();
    }

    private void open(Packet.Connect connect, Grant grant) {
        username = connect.username();
        hasWill = connect.will() != null;
        broker.open(
                new SessionStore.OpenRequest(
                        grant.clientId(),
                        connect.cleanStart(),
                        connect.version().level(),
                        grant.sessionExpiry(),
                        connect.username(),
                        broker.node(),
                        connect.will()),
                this);
    }

    /**
     * The session's row is this connection's; called on any thread.
     *
     * @param over runs when everybody here knows it: the client's next open may follow
     */
    void opened(SessionStore.OpenedSession opened, Runnable over) {
        loop.execute(() -> {
            try {
                epoch = opened.epoch();
                sessionId = opened.id();
                // Nobody else ends what was opened for a connection that is closed meanwhile.
                if (closed) broker.openedInVain(this, opened, unused());
                else start(opened);
            } finally {
                over.run();
            }
        });
    }

    private Effect.EndSession unused() {
        return new Effect.EndSession(session.grant().sessionExpiry(), endReason, 0, true);
    }

    private void start(SessionStore.OpenedSession opened) {
        // A session that was resumed has its queue in PostgreSQL, even if it is to end with this connection.
        var durable = session.grant().sessionExpiry() > 0 || opened.present();
        publishing = new Publishing(this, broker, username, durable, inlet.version());
        receiving = new Receiving(this, broker, durable, opened.sentSeq());
        var lastTold = broker.attach(this, opened.present(), durable, opened.subscriptions());
        var received = opened.received().stream()
                .map(SessionStore.ReceivedPublish::packetId)
                .toList();
        on(new Event.SessionOpened(
                opened.present(), durable, received, opened.lastSeq(), opened.queued() || lastTold > opened.lastSeq()));
        resume();
    }

    void give(Publication publication) {
        receiving.give(publication);
    }

    void settled(Event event) {
        on(event);
        progressed();
    }

    /** Kafka or the journal has answered something. */
    void progressed() {
        watch.progressed(System.nanoTime());
        noteReady();
        if (inlet.isPaused()) resume();
        if (draining) leaveIfSettled();
    }

    void journal(JournalWrite write) {
        writes.submit(write);
    }

    /** What to do with the outcome of a write, on the journal's thread: the task runs on the loop once it is committed. */
    Consumer<JournalWrite.Outcome> journalled(Runnable committed) {
        return outcome -> loop.execute(() -> journalled(outcome, committed));
    }

    void journalled(JournalWrite.Outcome outcome, Runnable committed) {
        switch (outcome) {
            case COMMITTED -> {
                committed.run();
                progressed();
            }
            case FENCED -> on(new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "the session is open elsewhere"));
            case REFUSED ->
                on(new Event.Ended(ReasonCode.UNSPECIFIED_ERROR, "PostgreSQL refused to store the session's state"));
        }
    }

    /** The loop's clock, once a second. */
    void tick(long now) {
        if (closed) {
            if (watch.lingers(now)) transport.cut();
            return;
        }
        if (!isWaiting()) watch.progressed(now);
        var late = watch.late(now, session, inlet, outbox);
        if (late != null) on(late);
        if (closed) return;
        if (watch.wantsPing(now)) transport.ping();
        if (outbox.hasRoom()) on(new Event.Drained());
        if (draining) leaveIfSettled();
    }

    /** The socket takes more: what waits for it may go, but not from within the very call that sends. */
    public void drained() {
        loop.execute(() -> {
            if (!closed && outbox.hasRoom()) on(new Event.Drained());
            resume();
        });
    }

    private boolean isWaiting() {
        return session.isWaiting() || publishing != null && (publishing.isWaiting() || publishing.holdsBack());
    }

    /** Reads no more, and leaves with DISCONNECT 0x8B once everything under way is answered. */
    void drain() {
        draining = true;
        leaveIfSettled();
        if (!closed) inlet.pause();
        loop.flush();
    }

    private void leaveIfSettled() {
        if (closed || session.isWaiting() || publishing != null && publishing.isWaiting()) return;
        on(new Event.Ended(ReasonCode.SERVER_SHUTTING_DOWN, "the gateway shuts down"));
    }

    /** The socket is gone. */
    public void transportClosed() {
        if (gone) return;
        gone = true;
        if (!closed) {
            lost = session.phase() instanceof Phase.Online;
            on(new Event.TransportClosed());
        }
        closed = true;
        inlet.drop();
        session.discard();
        noteReady();
        if (publishing != null) publishing.close();
        loop.remove(this);
        broker.closed(this);
    }

    private void close(ReasonCode reason, String why) {
        if (closed) return;
        closed = true;
        watch.closed();
        inlet.drop();
        if (publishing != null) publishing.close();
        flush();
        transport.close(Transport.status(reason));
        broker.closing(this, reason, why);
    }

    void drainAfter(Duration delay) {
        loop.after(delay, this::drain);
    }

    /** Notes why the gateway ended the connection. */
    public void ended(ReasonCode reason) {
        endReason = reason;
    }

    ReasonCode endReason() {
        return endReason;
    }

    /** Whether a session was online when the socket closed by itself. */
    boolean wasLost() {
        return lost;
    }

    boolean isClosed() {
        return closed;
    }

    boolean hasWill() {
        return hasWill;
    }

    public String clientId() {
        return session.grant() == null ? null : session.grant().clientId();
    }

    public long epoch() {
        return epoch;
    }

    /** The session's identity in PostgreSQL. */
    public long sessionId() {
        return sessionId;
    }

    public Loop loop() {
        return loop;
    }

    Transport transport() {
        return transport;
    }
}
