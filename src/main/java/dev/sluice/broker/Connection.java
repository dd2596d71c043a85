package dev.sluice.broker;

import dev.sluice.codec.MqttFault;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;
import dev.sluice.store.JournalWrite;
import dev.sluice.store.SessionStore;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * One client's connection: cuts its bytes into packets, feeds its {@link Session} with events and performs the effects.
 * Confined to its event loop; {@link #tell} may be called from any thread.
 */
public final class Connection {
    private final Broker broker;
    private final Loop loop;
    private final Transport transport;
    private final PacketFramer framer;
    private final PacketReader reader = new PacketReader();
    private final Session session;
    private final Outbox outbox;
    private final Consumer<Effect> perform = this::perform;

    private ClientUplink uplink;
    private long epoch;
    private String username;

    /** Bytes read and not yet looked at, while the connection is paused; null for none. */
    private ByteBuffer held;

    private boolean paused;
    private boolean draining;
    private boolean closed;
    private boolean gone;
    private boolean lost;
    /** What the socket's own end counts as: nobody has said why. */
    private ReasonCode endReason = ReasonCode.UNSPECIFIED_ERROR;

    private final long openedAt;
    private long lastRead;
    private long lastPing;
    /** When Kafka or the journal last settled something, or was last not waited for. */
    private long lastProgress;

    Connection(Broker broker, Loop loop, Transport transport) {
        this.broker = broker;
        this.loop = loop;
        this.transport = transport;
        this.framer = new PacketFramer(broker.limits().maximumPacketSize());
        this.session = new Session(broker.limits());
        this.outbox =
                new Outbox(loop, transport, broker.meters(), broker.config().sendBuffer());
        this.openedAt = System.nanoTime();
        this.lastRead = openedAt;
        this.lastPing = openedAt;
        this.lastProgress = openedAt;
    }

    /** Takes bytes of the stream, in whatever pieces they come; reads them all, or copies what it cannot look at yet. */
    public void received(ByteBuffer bytes) {
        lastRead = System.nanoTime();
        if (held != null) {
            hold(bytes);
            return;
        }
        read(bytes);
        if (bytes.hasRemaining() && !closed) hold(bytes);
    }

    /** Ends a turn of reading: what it made the connection send leaves as one message. */
    public void readComplete() {
        loop.flush();
    }

    private void read(ByteBuffer bytes) {
        while (!closed && mayRead()) {
            var packet = next(bytes);
            if (packet == null) return;
            broker.meters().received(packet);
            on(new Event.Received(packet));
        }
        if (!closed) pause();
    }

    private Packet next(ByteBuffer bytes) {
        try {
            var frame = framer.next(bytes);
            return frame == null ? null : reader.read(frame);
        } catch (MqttFault fault) {
            on(new Event.Faulted(fault, reader.version()));
            return null;
        }
    }

    private void hold(ByteBuffer bytes) {
        var kept = held == null ? 0 : held.remaining();
        var grown = ByteBuffer.allocate(kept + bytes.remaining());
        if (held != null) grown.put(held);
        held = grown.put(bytes).flip();
    }

    private boolean mayRead() {
        return !draining && session.wantsMore() && (uplink == null || !uplink.holdsBack()) && !outbox.isSlow();
    }

    private void pause() {
        if (paused) return;
        paused = true;
        transport.pause();
        broker.meters().paused();
        retryLater();
    }

    /** The session says itself when it wants more; Kafka's backlog and slow sockets are looked at again. */
    private void retryLater() {
        if (session.wantsMore()) loop.paused(this);
    }

    /** Reads on if what made the connection pause is over. */
    void resume() {
        if (!paused || closed) return;
        if (uplink != null) uplink.retry();
        if (!mayRead()) {
            retryLater();
            return;
        }
        paused = false;
        lastRead = System.nanoTime();
        var bytes = held;
        held = null;
        if (bytes != null) {
            read(bytes);
            if (bytes.hasRemaining() && !closed) hold(bytes);
        }
        if (paused) return;
        loop.resumed(this);
        if (!closed) transport.resume();
    }

    /** Tells the session an event from any thread. */
    public void tell(Event event) {
        loop.execute(() -> on(event));
    }

    private void on(Event event) {
        try {
            session.on(event, perform);
        } catch (RuntimeException bug) {
            broker.failed(this, bug);
            close(ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, "a fault of the gateway: " + bug);
        }
    }

    private void perform(Effect effect) {
        switch (effect) {
            case Effect.Send(var packet) -> send(packet);
            case Effect.OpenSession(var connect, var grant) -> open(connect, grant);
            case Effect.Start(var grant) -> broker.opened(this, grant);
            case Effect.Forward(var publish) -> forward(publish);
            case Effect.Remember(var packetId, var messageId) ->
                journal(new JournalWrite.RememberReceived(
                        clientId(), epoch, packetId, messageId, journalled(new Event.Remembered(packetId))));
            case Effect.Forget(var packetId) ->
                journal(new JournalWrite.ForgetReceived(
                        clientId(), epoch, packetId, journalled(new Event.Forgotten(packetId))));
            case Effect.EndSession(var expiry, var reason) -> broker.ended(this, expiry, reason);
            case Effect.Close(var reason, var why) -> close(reason, why);
        }
    }

    private void send(Packet packet) {
        var version = reader.version() == null ? ProtocolVersion.V3_1_1 : reader.version();
        var largest = session.grant() == null ? Long.MAX_VALUE : session.grant().clientMaximumPacketSize();
        if (outbox.write(packet, version, largest)) loop.wantsFlush(this);
    }

    void flush() {
        outbox.flush();
        if (!closed && outbox.isSlow()) pause();
    }

    private void open(Packet.Connect connect, Grant grant) {
        username = connect.username();
        broker.open(
                new SessionStore.OpenRequest(
                        grant.clientId(),
                        connect.cleanStart(),
                        connect.version().level(),
                        grant.sessionExpiry(),
                        connect.username(),
                        broker.node()),
                this);
    }

    /** The session's row is this connection's; called on any thread. */
    void opened(SessionStore.OpenedSession opened) {
        loop.execute(() -> {
            epoch = opened.epoch();
            if (closed) { // meanwhile: nobody else ends what was opened for it
                broker.ended(this, session.grant().sessionExpiry(), endReason);
                return;
            }
            uplink = broker.uplink().open(clientId(), username, epoch, loop, this::forwarded);
            var received = opened.received().stream()
                    .map(SessionStore.ReceivedPublish::packetId)
                    .toList();
            on(new Event.SessionOpened(opened.present(), received));
            resume();
        });
    }

    private void forward(Packet.Publish publish) {
        switch (uplink.forward(publish)) {
            case ClientUplink.Admission.UnderWay _ -> {}
            case ClientUplink.Admission.Unmatched _ -> {
                broker.meters().unmatched();
                answer(publish, ReasonCode.NO_MATCHING_SUBSCRIBERS, null);
            }
            case ClientUplink.Admission.Refused(var why) -> {
                broker.meters().refused(ReasonCode.TOPIC_NAME_INVALID);
                answer(publish, ReasonCode.TOPIC_NAME_INVALID, why);
            }
            case ClientUplink.Admission.Shed _ -> broker.meters().shed();
        }
    }

    /** Answers without Kafka, but not before the session is done with the packet at hand. */
    private void answer(Packet.Publish publish, ReasonCode outcome, String why) {
        if (publish.qos() == QoS.AT_MOST_ONCE) return;
        var answer = new Event.Forwarded(publish.packetId(), publish.qos(), outcome, why, null);
        loop.execute(() -> settled(answer));
    }

    private void forwarded(Forwarding forwarding) {
        lastProgress = System.nanoTime();
        if (forwarding.failedForNow()) {
            on(new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka did not take a message: " + forwarding.why()));
        } else {
            if (forwarding.outcome().isError()) broker.meters().refused(forwarding.outcome());
            if (forwarding.qos() != QoS.AT_MOST_ONCE)
                settled(new Event.Forwarded(
                        forwarding.packetId(),
                        forwarding.qos(),
                        forwarding.outcome(),
                        forwarding.why(),
                        forwarding.qos() == QoS.EXACTLY_ONCE ? forwarding.messageId() : null));
        }
        if (paused) resume();
        if (draining) leaveIfSettled();
    }

    private void settled(Event event) {
        lastProgress = System.nanoTime();
        on(event);
        if (paused) resume();
        if (draining) leaveIfSettled();
    }

    private void journal(JournalWrite write) {
        if (!broker.journal().submit(write))
            // The lane is full: tried again in the loop's next turns, while the window keeps the client in check.
            loop.later(() -> journal(write));
    }

    private Consumer<JournalWrite.Outcome> journalled(Event committed) {
        return outcome -> loop.execute(() -> {
            switch (outcome) {
                case COMMITTED -> settled(committed);
                case FENCED -> on(new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "the session is open elsewhere"));
                case REFUSED ->
                    on(new Event.Ended(
                            ReasonCode.UNSPECIFIED_ERROR, "PostgreSQL refused to store the session's state"));
            }
        });
    }

    /** The loop's clock, once a second. */
    void tick(long now) {
        if (!isWaiting()) lastProgress = now;
        var limit = broker.config().connectTimeout().toNanos();
        if (session.phase() instanceof Phase.AwaitingConnect && now - openedAt > limit) {
            on(new Event.Ended(ReasonCode.PROTOCOL_ERROR, "no CONNECT in time"));
        } else if (now - lastProgress > broker.deadline().toNanos()) {
            on(new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka or PostgreSQL did not answer in time"));
        } else if (isSilent(now)) {
            on(new Event.Ended(ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing received for one and a half keep alives"));
        }
        if (closed) return;
        var pingInterval = broker.config().pingInterval().toNanos();
        if (pingInterval > 0 && now - lastPing >= pingInterval) {
            lastPing = now;
            transport.ping();
        }
        if (draining) leaveIfSettled();
    }

    private boolean isWaiting() {
        return session.isWaiting() || uplink != null && (uplink.isWaiting() || uplink.holdsBack());
    }

    private boolean isSilent(long now) {
        if (paused || !(session.phase() instanceof Phase.Online)) return false;
        var keepAlive = session.grant().keepAlive(); // [MQTT-3.1.2-22]
        return keepAlive > 0 && now - lastRead > keepAlive * 1_500_000_000L;
    }

    /** Reads no more, and leaves with DISCONNECT 0x8B once everything under way is answered. */
    void drain() {
        draining = true;
        leaveIfSettled();
        if (!closed) pause();
        loop.flush();
    }

    private void leaveIfSettled() {
        if (closed || session.isWaiting() || uplink != null && uplink.isWaiting()) return;
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
        held = null;
        if (uplink != null) uplink.close();
        loop.remove(this);
        broker.closed(this);
    }

    private void close(ReasonCode reason, String why) {
        if (closed) return;
        closed = true;
        held = null;
        flush();
        transport.close(
                switch (reason) {
                    case SUCCESS -> Transport.NORMAL;
                    case SERVER_SHUTTING_DOWN -> Transport.GOING_AWAY;
                    case MALFORMED_PACKET, PROTOCOL_ERROR -> Transport.PROTOCOL_ERROR;
                    default -> Transport.POLICY_VIOLATION;
                });
        broker.closing(this, reason, why);
    }

    void drainAfter(Duration delay) {
        loop.after(delay, this::drain);
    }

    void later(Runnable task) {
        loop.later(task);
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

    String clientId() {
        return session.grant() == null ? null : session.grant().clientId();
    }

    long epoch() {
        return epoch;
    }

    Transport transport() {
        return transport;
    }
}
