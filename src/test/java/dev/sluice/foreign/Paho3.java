package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/** Eclipse Paho's Java client with MQTT 3.1.1; used by one thread. */
final class Paho3 implements ForeignClient {
    /** Not longer than the gateway's interval of WebSocket pings, the first of which ends its connection. */
    private static final int KEEP_ALIVE_SECONDS = 30;

    private static final long QUIESCE_MILLIS = 500;

    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final Identity identity;
    private final MqttClient client;

    Paho3(Identity identity) throws MqttException {
        this.identity = identity;
        client = new MqttClient(identity.url(), identity.clientId(), new MemoryPersistence());
        client.setTimeToWait(PATIENCE_SECONDS * 1000L);
        client.setCallback(new Listener(heard));
    }

    private record Listener(BlockingQueue<Heard> heard) implements MqttCallback {
        @Override
        public void messageArrived(String topic, MqttMessage message) {
            var payload = new String(message.getPayload(), StandardCharsets.UTF_8);
            heard.add(new Heard(topic, payload, message.getQos(), message.isRetained()));
        }

        @Override
        public void connectionLost(Throwable cause) {
            // The test cut it, or it fails for want of what it expects.
        }

        @Override
        public void deliveryComplete(IMqttDeliveryToken token) {
            // Publishing waits for it.
        }
    }

    @Override
    public boolean connect() {
        var options = new MqttConnectOptions();
        options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
        options.setCleanSession(!identity.persistent());
        options.setKeepAliveInterval(KEEP_ALIVE_SECONDS);
        options.setAutomaticReconnect(identity.persistent());
        options.setMaxReconnectDelay(2000);
        options.setMaxInflight(1000);
        if (identity.willTopic() != null)
            options.setWill(identity.willTopic(), identity.clientId().getBytes(StandardCharsets.UTF_8), 1, false);
        return ForeignClient.taken(PATIENCE_SECONDS, Paho3::standsStill, () -> client.connectWithResult(options))
                .getSessionPresent();
    }

    /** It gives up an opening handshake that takes a second, which no setting changes, and is still busy with that for a moment. */
    private static boolean standsStill(Throwable failure) {
        return failure instanceof MqttException refusal
                && (refusal.getCause() instanceof SocketTimeoutException
                        || refusal.getReasonCode() == MqttException.REASON_CODE_CLIENT_DISCONNECTING);
    }

    @Override
    public void subscribe(String filter, int qos) throws MqttException {
        assertThat(client.subscribeWithResponse(filter, qos).getGrantedQos()).containsExactly(qos);
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
        var sent = new ArrayList<MqttDeliveryToken>();
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
