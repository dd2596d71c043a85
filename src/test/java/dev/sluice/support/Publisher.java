package dev.sluice.support;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A device that numbers its messages, keeps what is not acknowledged, and after a broken connection comes back and sends that
 * again in order, under the original packet identifiers. It notes everything that the gateway tells it. Any thread.
 */
public final class Publisher implements AutoCloseable {
    /**
     * @param persistent whether the session outlives the connection
     * @param window unanswered messages at most
     * @param burst messages in one WebSocket frame
     * @param pace time between two bursts
     * @param payloadSize bytes, room for the number of the message and the time at which it was made, see {@link Inbox}
     * @param retain the RETAIN flag of all messages
     * @param fleet the first level of their topic
     */
    public record Profile(
            String clientId,
            ProtocolVersion version,
            QoS qos,
            boolean persistent,
            int window,
            int burst,
            Duration pace,
            int payloadSize,
            boolean retain,
            String fleet) {
        public Profile(
                String clientId,
                ProtocolVersion version,
                QoS qos,
                boolean persistent,
                int window,
                int burst,
                Duration pace,
                int payloadSize,
                boolean retain) {
            this(clientId, version, qos, persistent, window, burst, pace, payloadSize, retain, "fleet");
        }

        public Profile(
                String clientId,
                ProtocolVersion version,
                QoS qos,
                boolean persistent,
                int window,
                int burst,
                Duration pace,
                int payloadSize) {
            this(clientId, version, qos, persistent, window, burst, pace, payloadSize, false);
        }

        /** The Topic Name of all messages. */
        public String topic() {
            return fleet + "/" + clientId + "/telemetry";
        }
    }

    /** A DISCONNECT of the gateway. */
    public record Told(long at, ReasonCode reason) {}

    private static final int LAST_PACKET_ID = 65_535;
    private static final long AN_HOUR = 3600;

    private static final class Sent {
        final int number;
        final int packetId;
        final long firstSentAt = System.nanoTime();
        boolean received;

        Sent(int number, int packetId) {
            this.number = number;
            this.packetId = packetId;
        }
    }

    private final int port;
    private final Profile profile;
    private final TopicName topicName;
    private final AckTimes ackTimes = new AckTimes();
    private final Reconnects reconnects = new Reconnects();
    private final LinkedHashMap<Integer, Sent> unanswered = new LinkedHashMap<>();
    private final BitSet acknowledged = new BitSet();
    private final List<String> negatives = new ArrayList<>();
    private final List<Told> disconnects = new ArrayList<>();
    private final Thread thread;
    private int published;
    private int written;
    private int lastPacketId;
    private int sessionsLost;
    private int repeats;
    private boolean online;
    private boolean stopping;
    private boolean ended;

    private Publisher(int port, Profile profile) {
        this.port = port;
        this.profile = profile;
        this.topicName = TopicName.of(profile.topic());
        this.thread = Thread.ofVirtual().name(profile.clientId()).unstarted(this::run);
    }

    public static Publisher start(int port, Profile profile) {
        var publisher = new Publisher(port, profile);
        publisher.thread.start();
        return publisher;
    }

    private void run() {
        while (!isEnded()) {
            try (var socket = ClientSocket.open(port, profile.version())) {
                if (connect(socket)) serve(socket);
            } catch (IOException | MqttFault broken) {
                offline(broken);
            }
            if (!isEnded()) LockSupport.parkNanos(reconnects.pause().toNanos());
        }
    }

    private boolean connect(ClientSocket socket) throws IOException {
        var v5 = profile.version().isV5();
        var properties = v5 && profile.persistent()
                ? Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, AN_HOUR)
                : Properties.NONE;
        socket.write(List.of(new Packet.Connect(
                profile.version(), !profile.persistent(), 0, profile.clientId(), null, null, null, properties)));
        socket.readTimeout(10_000);
        if (!(reconnects.answer(socket) instanceof Packet.ConnAck answer)) throw new IOException("no CONNACK");
        socket.readTimeout(0);
        return connected(answer);
    }

    private synchronized boolean connected(Packet.ConnAck answer) {
        if (answer.reason().isError()) {
            reconnects.refused(answer.reason());
            return false;
        }
        if (!answer.sessionPresent()) forgetReceived();
        reconnects.connected();
        online = true;
        notifyAll();
        return true;
    }

    /** The gateway knows nothing of the exchanges begun: what it had taken is done. */
    private void forgetReceived() {
        if (connects() > 0 && profile.persistent()) sessionsLost++;
        unanswered.values().removeIf(sent -> sent.received);
    }

    /** Until the connection is over; its reader ends first, so that it tells nothing about the next one. */
    private void serve(ClientSocket socket) throws IOException {
        var reader = Thread.ofVirtual().name(profile.clientId() + "-reader").start(() -> receive(socket));
        try (socket) {
            send(socket);
        } finally {
            join(reader);
        }
    }

    private static void join(Thread reader) {
        try {
            reader.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void send(ClientSocket socket) throws IOException {
        var again = unansweredAgain();
        if (!again.isEmpty()) socket.write(again);
        while (true) {
            var next = next();
            if (next.isEmpty()) break;
            socket.write(next);
            wrote(next.size());
            if (!profile.pace().isZero()) LockSupport.parkNanos(profile.pace().toNanos());
        }
        if (isEnded()) socket.write(List.of(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE)));
    }

    private synchronized List<Packet> unansweredAgain() {
        var again = new ArrayList<Packet>();
        for (var sent : unanswered.values()) {
            if (sent.received) again.add(new Packet.PubRel(sent.packetId));
            else again.add(publish(sent.number, sent.firstSentAt, sent.packetId, true));
        }
        repeats += again.size();
        return again;
    }

    /** The next messages, once there is room for one; none when the connection is over. */
    private synchronized List<Packet> next() {
        try {
            while (online && !ended && (stopping || unanswered.size() >= profile.window())) wait();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return List.of();
        }
        if (!online || ended) return List.of();
        var burst = new ArrayList<Packet>(profile.burst());
        while (burst.size() < profile.burst() && unanswered.size() < profile.window()) {
            var number = ++published;
            if (profile.qos() == QoS.AT_MOST_ONCE) {
                burst.add(publish(number, System.nanoTime(), 0, false));
            } else {
                var sent = new Sent(number, freePacketId());
                unanswered.put(sent.packetId, sent);
                burst.add(publish(number, sent.firstSentAt, sent.packetId, false));
            }
        }
        return burst;
    }

    private int freePacketId() {
        do lastPacketId = lastPacketId % LAST_PACKET_ID + 1;
        while (unanswered.containsKey(lastPacketId));
        return lastPacketId;
    }

    private Packet.Publish publish(int number, long madeAt, int packetId, boolean dup) {
        var payload = new byte[profile.payloadSize()];
        Arrays.fill(payload, (byte) '.');
        var text = (number + " " + madeAt + " ").getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, payload, 0, text.length);
        return new Packet.Publish(dup, profile.qos(), profile.retain(), topicName, packetId, Properties.NONE, payload);
    }

    private void receive(ClientSocket socket) {
        try (socket) {
            while (true) {
                var releases = new ArrayList<Packet>();
                for (var packet : socket.readSome()) take(packet, releases);
                if (!releases.isEmpty()) socket.write(releases);
            }
        } catch (IOException | MqttFault broken) {
            offline(broken);
        }
    }

    private void take(Packet packet, List<Packet> releases) throws IOException {
        switch (packet) {
            case Packet.PubAck ack -> acknowledged(ack.packetId(), ack.reason(), true);
            case Packet.PubRec ack -> {
                acknowledged(ack.packetId(), ack.reason(), ack.reason().isError());
                if (!ack.reason().isError()) releases.add(new Packet.PubRel(ack.packetId()));
            }
            case Packet.PubComp done -> completed(done.packetId());
            case Packet.Disconnect bye -> told(bye.reason());
            case Packet unexpected -> throw new IOException("unexpected " + unexpected);
        }
    }

    private synchronized void acknowledged(int packetId, ReasonCode reason, boolean last) {
        var sent = unanswered.get(packetId);
        if (sent == null) {
            negatives.add("an answer to packet identifier " + packetId + ", which is not in use");
            return;
        }
        if (reason.isError()) {
            negatives.add(reason + " for message " + sent.number);
        } else if (!acknowledged.get(sent.number)) {
            acknowledged.set(sent.number);
            var now = System.nanoTime();
            ackTimes.add(now, now - sent.firstSentAt);
        }
        sent.received = true;
        if (last) completed(packetId);
    }

    private synchronized void completed(int packetId) {
        unanswered.remove(packetId);
        notifyAll();
    }

    private synchronized void told(ReasonCode reason) {
        reconnects.dismissed(reason);
        disconnects.add(new Told(System.nanoTime(), reason));
    }

    private synchronized void offline(Exception how) {
        reconnects.ended(how);
        online = false;
        notifyAll();
    }

    private synchronized void wrote(int messages) {
        written += messages;
    }

    private synchronized boolean isEnded() {
        return ended;
    }

    /** Publishes nothing new any more; what is unanswered is still seen to its end. */
    public synchronized void stop() {
        stopping = true;
    }

    /** Whether everything published is answered to the end. */
    public synchronized boolean isQuiet() {
        return unanswered.isEmpty();
    }

    public synchronized boolean isOnline() {
        return online;
    }

    public Profile profile() {
        return profile;
    }

    public AckTimes ackTimes() {
        return ackTimes;
    }

    /** Messages made; the last number. */
    public synchronized int published() {
        return published;
    }

    /** Messages that the socket has taken. */
    public synchronized int written() {
        return written;
    }

    /** The numbers of the messages acknowledged, at QoS 2 by PUBREC. */
    public synchronized BitSet acknowledged() {
        return (BitSet) acknowledged.clone();
    }

    public synchronized int acknowledgedCount() {
        return acknowledged.cardinality();
    }

    /** Negative acknowledgements, and answers to nothing. */
    public synchronized List<String> negatives() {
        return List.copyOf(negatives);
    }

    public synchronized List<Told> disconnects() {
        return List.copyOf(disconnects);
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

    /** PUBLISHes and PUBRELs sent again after a reconnect. */
    public synchronized int repeats() {
        return repeats;
    }

    /** Leaves with DISCONNECT. */
    @Override
    public void close() {
        synchronized (this) {
            ended = true;
            notifyAll();
        }
        LockSupport.unpark(thread);
    }
}
