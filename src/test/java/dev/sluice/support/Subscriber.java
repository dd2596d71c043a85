package dev.sluice.support;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * A device that subscribes, acknowledges what comes, and returns when its connection breaks. It keeps the packet identifiers of
 * QoS 2 messages until their PUBREL, across connections of one session [MQTT-4.3.3-10], as a correct client does. Any thread.
 */
public final class Subscriber implements AutoCloseable {
    /** @param persistent whether the session outlives the connection */
    public record Profile(
            String clientId, ProtocolVersion version, QoS qos, boolean persistent, List<String> filters) {}

    private static final long AN_HOUR = 3600;

    private final int port;
    private final Profile profile;
    private final Inbox inbox = new Inbox();
    private final Reconnects reconnects = new Reconnects();
    private final Set<Integer> unreleased = new HashSet<>();
    private final List<String> complaints = new ArrayList<>();
    private final Thread thread;
    private ClientSocket socket;
    private int sessionsLost;
    private boolean subscribed;
    private boolean online;
    private boolean away;
    private boolean paused;
    private boolean wandering;
    private boolean ended;
    private boolean expectsDisconnects;

    private Subscriber(int port, Profile profile) {
        this.port = port;
        this.profile = profile;
        this.thread = Thread.ofVirtual().name(profile.clientId()).unstarted(this::run);
    }

    public static Subscriber start(int port, Profile profile) {
        var subscriber = new Subscriber(port, profile);
        subscriber.thread.start();
        return subscriber;
    }

    private void run() {
        while (awaitWish()) {
            try (var opened = ClientSocket.open(port, profile.version())) {
                if (begin(opened) && connect(opened)) serve(opened);
            } catch (IOException broken) {
                // killed, cut, or asked to go: the next connection goes on
                reconnects.ended(broken);
            } catch (MqttFault fault) {
                complain(fault.toString());
            } finally {
                offline();
            }
            LockSupport.parkNanos(reconnects.pause().toNanos());
        }
    }

    /** Waits until it is to be online; false when it is to end. */
    private synchronized boolean awaitWish() {
        try {
            while (away && !ended) wait();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
        return !ended;
    }

    private synchronized boolean begin(ClientSocket opened) {
        if (away || ended) return false;
        socket = opened;
        return true;
    }

    private boolean connect(ClientSocket opened) throws IOException {
        var properties = profile.version().isV5() && profile.persistent()
                ? Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, AN_HOUR)
                : Properties.NONE;
        opened.write(List.of(new Packet.Connect(
                profile.version(), !profile.persistent(), 0, profile.clientId(), null, null, null, properties)));
        opened.readTimeout(10_000);
        if (!(reconnects.answer(opened) instanceof Packet.ConnAck answer)) throw new IOException("no CONNACK");
        opened.readTimeout(0);
        if (!connected(answer)) return false;
        if (!isSubscribed()) opened.write(List.of(subscribe()));
        return true;
    }

    private synchronized boolean connected(Packet.ConnAck answer) {
        if (answer.reason().isError()) {
            reconnects.refused(answer.reason());
            return false;
        }
        if (!answer.sessionPresent()) {
            if (connects() > 0 && profile.persistent()) sessionsLost++;
            unreleased.clear();
            subscribed = false;
            inbox.unsubscribed();
        }
        reconnects.connected();
        online = true;
        return true;
    }

    private Packet.Subscribe subscribe() {
        var subscriptions = profile.filters().stream()
                .map(filter -> new Subscription(filter, profile.qos(), false, false, 0))
                .toList();
        return new Packet.Subscribe(1, subscriptions, Properties.NONE);
    }

    private void serve(ClientSocket opened) throws IOException {
        while (awaitReading()) {
            var answers = new ArrayList<Packet>();
            for (var packet : opened.readSome()) take(packet, answers);
            if (!answers.isEmpty()) opened.write(answers);
        }
    }

    private synchronized boolean awaitReading() {
        try {
            while (paused && !ended && !away) wait();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
        return !ended && !away;
    }

    private synchronized void take(Packet packet, List<Packet> answers) {
        switch (packet) {
            case Packet.Publish publish -> receive(publish, answers);
            case Packet.PubRel release -> {
                unreleased.remove(release.packetId());
                answers.add(new Packet.PubComp(release.packetId()));
            }
            case Packet.SubAck answer -> {
                if (answer.reasons().stream().anyMatch(ReasonCode::isError)) complaints.add(answer.toString());
                else {
                    subscribed = true;
                    inbox.subscribed();
                }
            }
            case Packet.Disconnect bye -> {
                if (!reconnects.dismissed(bye.reason()) && !expectsDisconnects) complaints.add(bye.toString());
            }
            case Packet unexpected -> complaints.add(unexpected.toString());
        }
    }

    private void receive(Packet.Publish publish, List<Packet> answers) {
        switch (publish.qos()) {
            case AT_MOST_ONCE -> inbox.add(publish);
            case AT_LEAST_ONCE -> {
                inbox.add(publish);
                answers.add(new Packet.PubAck(publish.packetId()));
            }
            case EXACTLY_ONCE -> {
                if (unreleased.add(publish.packetId())) inbox.add(publish);
                answers.add(new Packet.PubRec(publish.packetId()));
            }
        }
    }

    private synchronized void offline() {
        online = false;
        socket = null;
    }

    private synchronized void complain(String complaint) {
        complaints.add(complaint);
    }

    /** Goes away until {@link #come}, with DISCONNECT or without a word. */
    public void leave(boolean politely) {
        end(goesAway(), politely);
    }

    private synchronized ClientSocket goesAway() {
        away = true;
        notifyAll();
        return socket;
    }

    private static void end(ClientSocket left, boolean politely) {
        if (left == null) return;
        try (left) {
            if (politely) left.write(List.of(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE)));
        } catch (IOException _) {
            // it was broken already
        }
    }

    public synchronized void come() {
        away = false;
        notifyAll();
    }

    /** Comes and goes at random until {@link #stay}, never for longer than this online or away. */
    public void wander(long seed, Duration longest) {
        synchronized (this) {
            wandering = true;
        }
        Thread.ofVirtual().name(profile.clientId() + "-legs").start(() -> {
            var random = new Random(seed);
            do {
                come();
                LockSupport.parkNanos(random.nextLong(longest.toNanos()));
                if (!walksOff(random.nextBoolean())) return;
                LockSupport.parkNanos(random.nextLong(longest.toNanos()));
            } while (isWandering());
        });
    }

    private synchronized boolean isWandering() {
        return wandering && !ended;
    }

    /** False if it is to stay. */
    private boolean walksOff(boolean politely) {
        ClientSocket left;
        synchronized (this) {
            if (!isWandering()) return false;
            left = goesAway();
        }
        end(left, politely);
        return true;
    }

    /** Comes, if it is away, and stays. */
    public synchronized void stay() {
        wandering = false;
        come();
    }

    /** Reads nothing more from its socket once it has taken what it is reading, until {@link #readOn}. */
    public synchronized void stopReading() {
        paused = true;
    }

    public synchronized void readOn() {
        paused = false;
        notifyAll();
    }

    /** That a gateway takes its leave is nothing to complain of. */
    public synchronized void expectDisconnects() {
        expectsDisconnects = true;
    }

    public synchronized boolean isSubscribed() {
        return subscribed;
    }

    public synchronized boolean isOnline() {
        return online;
    }

    public Profile profile() {
        return profile;
    }

    public Inbox inbox() {
        return inbox;
    }

    public int connects() {
        return reconnects.count();
    }

    public Reconnects reconnects() {
        return reconnects;
    }

    /** Persistent sessions that the gateway did not know any more. */
    public synchronized int sessionsLost() {
        return sessionsLost;
    }

    /** What the gateway sent that it should not, refused subscriptions among it. */
    public synchronized List<String> complaints() {
        return List.copyOf(complaints);
    }

    @Override
    public void close() {
        synchronized (this) {
            ended = true;
        }
        leave(true);
    }
}
