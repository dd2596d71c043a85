package dev.sluice.support;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Will;
import dev.sluice.topic.TopicName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A device that says by a retained message that it is online, and whose Will, retained too, says that it is offline; it returns when its
 * connection breaks. Any thread.
 */
public final class PresentDevice implements AutoCloseable {
    private static final Duration BACK_OFF = Duration.ofMillis(100);

    private final int port;
    private final String clientId;
    private final ProtocolVersion version;
    private final TopicName topic;
    private final Thread thread;
    private ClientSocket socket;
    private int connects;
    private boolean online;
    private boolean ended;

    private PresentDevice(int port, String clientId, ProtocolVersion version, String topic) {
        this.port = port;
        this.clientId = clientId;
        this.version = version;
        this.topic = TopicName.of(topic);
        this.thread = Thread.ofVirtual().name(clientId).unstarted(this::run);
    }

    /** With MQTT 5 its Will has a delay of a second. */
    public static PresentDevice start(int port, String clientId, ProtocolVersion version, String topic) {
        var device = new PresentDevice(port, clientId, version, topic);
        device.thread.start();
        return device;
    }

    private void run() {
        while (!isEnded()) {
            try (var opened = ClientSocket.open(port, version)) {
                if (begin(opened)) serve(opened);
            } catch (IOException | MqttFault _) {
                // killed, or cut: the next connection says that it is online again
            }
            offline();
            LockSupport.parkNanos(BACK_OFF.toNanos());
        }
    }

    private synchronized boolean begin(ClientSocket opened) {
        socket = opened;
        return !ended;
    }

    private void serve(ClientSocket opened) throws IOException {
        opened.readTimeout(10_000);
        opened.write(List.of(connect()));
        if (!(opened.read() instanceof Packet.ConnAck answer) || answer.reason().isError()) return;
        opened.write(List.of(
                new Packet.Publish(false, QoS.AT_LEAST_ONCE, true, topic, 1, Properties.NONE, bytes("online"))));
        opened.readTimeout(0);
        while (opened.read() instanceof Packet.PubAck) online();
    }

    private Packet.Connect connect() {
        var session = Properties.NONE;
        var delay = Properties.NONE;
        if (version.isV5()) {
            session = session.with(Property.SESSION_EXPIRY_INTERVAL, 60);
            delay = delay.with(Property.WILL_DELAY_INTERVAL, 1);
        }
        var will = new Will(topic, QoS.AT_LEAST_ONCE, true, delay, bytes("offline"));
        return new Packet.Connect(version, true, 0, clientId, will, null, null, session);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private synchronized void online() {
        online = true;
        connects++;
    }

    private synchronized void offline() {
        online = false;
    }

    private synchronized boolean isEnded() {
        return ended;
    }

    /** Whether the gateway has acknowledged that it is online. */
    public synchronized boolean isOnline() {
        return online;
    }

    public synchronized int connects() {
        return connects;
    }

    /** Goes for good, without a word. */
    @Override
    public void close() {
        ClientSocket left;
        synchronized (this) {
            ended = true;
            online = false;
            left = socket;
        }
        try {
            if (left != null) left.close();
        } catch (IOException _) {
            // it was broken already
        }
    }
}
