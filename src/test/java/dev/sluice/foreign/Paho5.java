package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttClient;
import org.eclipse.paho.mqttv5.client.MqttClientException;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.client.MqttToken;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;

/** Eclipse Paho's Java client with MQTT 5; used by one thread. */
final class Paho5 implements ForeignClient {
    /** Held, because a logger that nobody holds forgets its level. */
    private static final Logger LOG = Logger.getLogger("org.eclipse.paho.mqttv5");

    static {
        LOG.setLevel(Level.WARNING); // it tells of every PUBCOMP
    }

    /** Not longer than the gateway's interval of WebSocket pings, the first of which ends its connection. */
    private static final int KEEP_ALIVE_SECONDS = 30;

    private static final long QUIESCE_MILLIS = 500;

    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final Identity identity;
    private final MqttClient client;

    Paho5(Identity identity) throws MqttException {
        this.identity = identity;
        client = new MqttClient(identity.url(), identity.clientId(), new MemoryPersistence());
        client.setTimeToWait(PATIENCE_SECONDS * 1000L);
        client.setCallback(new Listener(heard));
    }

    /** Only messages matter: publishing waits for its answers, and a broken connection fails what comes next. */
    private record Listener(BlockingQueue<Heard> heard) implements MqttCallback {
        @Override
        public void messageArrived(String topic, MqttMessage message) {
            var payload = new String(message.getPayload(), StandardCharsets.UTF_8);
            heard.add(new Heard(topic, payload, message.getQos(), message.isRetained()));
        }

        @Override
        public void disconnected(MqttDisconnectResponse response) {}

        @Override
        public void mqttErrorOccurred(MqttException exception) {}

        @Override
        public void deliveryComplete(IMqttToken token) {}

        @Override
        public void connectComplete(boolean reconnect, String server) {}

        @Override
        public void authPacketArrived(int reasonCode, MqttProperties properties) {}
    }

    @Override
    public boolean connect() {
        var options = new MqttConnectionOptions();
        options.setCleanStart(!identity.persistent());
        options.setKeepAliveInterval(KEEP_ALIVE_SECONDS);
        options.setAutomaticReconnect(identity.persistent());
        options.setAutomaticReconnectDelay(1, 2);
        options.setSessionExpiryInterval(identity.persistent() ? 3600L : 0L);
        if (identity.willTopic() != null)
            options.setWill(
                    identity.willTopic(),
                    new MqttMessage(
                            identity.clientId().getBytes(StandardCharsets.UTF_8), 1, false, new MqttProperties()));
        return ForeignClient.taken(PATIENCE_SECONDS, Paho5::standsStill, () -> client.connectWithResult(options))
                .getSessionPresent();
    }

    /** It gives up an opening handshake that takes a second, which no setting changes, and is still busy with that for a moment. */
    private static boolean standsStill(Throwable failure) {
        return failure instanceof MqttException refusal
                && (refusal.getCause() instanceof SocketTimeoutException
                        || refusal.getReasonCode() == MqttClientException.REASON_CODE_CLIENT_DISCONNECTING);
    }

    @Override
    public void subscribe(String filter, int qos) throws MqttException {
        assertThat(client.subscribe(filter, qos).getReasonCodes()).containsExactly(qos);
    }

    @Override
    public void unsubscribe(String filter) throws MqttException {
        client.unsubscribe(filter);
    }

    @Override
    public void publish(String topic, String payload, int qos, boolean retain) throws MqttException {
        client.publish(topic, payload.getBytes(StandardCharsets.UTF_8), qos, retain);
    }

    /** {@code MqttClient} waits for each message that it publishes, its topics do not. */
    @Override
    public int burst(String topic, int count, int qos) throws Exception {
        var to = client.getTopic(topic);
        var sent = new ArrayList<MqttToken>();
        while (sent.size() < count) {
            var message = new MqttMessage(Integer.toString(sent.size()).getBytes(StandardCharsets.UTF_8));
            message.setQos(qos);
            // It takes no message while the connection is away, or as many wait as may.
            sent.add(ForeignClient.taken(MqttException.class, () -> to.publish(message)));
        }
        for (var message : sent) message.waitForCompletion(BURST_SECONDS * 1000L);
        return count;
    }

    @Override
    public BlockingQueue<Heard> heard() {
        return heard;
    }

    @Override
    public void disconnect() throws MqttException {
        client.disconnect();
    }

    @Override
    public void close() {
        try {
            if (client.isConnected()) client.disconnectForcibly(QUIESCE_MILLIS, QUIESCE_MILLIS);
            client.close();
        } catch (MqttException e) {
            throw new IllegalStateException(e);
        }
    }
}
