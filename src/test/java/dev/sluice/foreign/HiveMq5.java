package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5Connect;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** The HiveMQ client with MQTT 5; used by one thread. */
final class HiveMq5 implements ForeignClient {
    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final Identity identity;
    private final Mqtt5AsyncClient client;
    private volatile boolean reconnecting;

    HiveMq5(Identity identity) {
        this.identity = identity;
        client = MqttClient.builder()
                .useMqttVersion5()
                .identifier(identity.clientId())
                .serverHost("127.0.0.1")
                .serverPort(identity.port())
                .webSocketConfig()
                .serverPath("mqtt")
                .applyWebSocketConfig()
                .addDisconnectedListener(
                        ended -> ended.getReconnector().reconnect(reconnecting).delay(1, TimeUnit.SECONDS))
                .buildAsync();
        client.publishes(MqttGlobalPublishFilter.ALL, message -> heard.add(heard(message)));
    }

    private static Heard heard(Mqtt5Publish message) {
        return new Heard(
                message.getTopic().toString(),
                new String(message.getPayloadAsBytes(), StandardCharsets.UTF_8),
                message.getQos().getCode(),
                message.isRetain());
    }

    private static Mqtt5Publish message(String topic, String payload, int qos, boolean retain) {
        return Mqtt5Publish.builder()
                .topic(topic)
                .payload(payload.getBytes(StandardCharsets.UTF_8))
                .qos(MqttQos.fromCode(qos))
                .retain(retain)
                .build();
    }

    @Override
    public boolean connect() {
        var connect = Mqtt5Connect.builder()
                .cleanStart(!identity.persistent())
                .sessionExpiryInterval(identity.persistent() ? 3600 : 0);
        if (identity.willTopic() != null)
            connect.willPublish(message(identity.willTopic(), identity.clientId(), 1, false));
        return ForeignClient.await(client.connect(connect.build())).isSessionPresent();
    }

    @Override
    public void subscribe(String filter, int qos) {
        var answer = ForeignClient.await(client.subscribeWith()
                .topicFilter(filter)
                .qos(MqttQos.fromCode(qos))
                .send());
        assertThat(answer.getReasonCodes()).singleElement().satisfies(code -> assertThat(code.getCode())
                .isEqualTo(qos));
    }

    @Override
    public void unsubscribe(String filter) {
        ForeignClient.await(client.unsubscribeWith().topicFilter(filter).send());
    }

    @Override
    public void publish(String topic, String payload, int qos, boolean retain) {
        var result = ForeignClient.await(client.publish(message(topic, payload, qos, retain)));
        assertThat(result.getError()).isEmpty();
    }

    @Override
    public int burst(String topic, int count, int qos) throws Exception {
        reconnecting = true;
        var sent = IntStream.range(0, count)
                .mapToObj(number -> client.publish(message(topic, Integer.toString(number), qos, false)))
                .toList();
        CompletableFuture.allOf(sent.toArray(CompletableFuture[]::new)).get(BURST_SECONDS, TimeUnit.SECONDS);
        reconnecting = false;
        return (int) sent.stream()
                .filter(result -> result.join().getError().isEmpty())
                .count();
    }

    @Override
    public BlockingQueue<Heard> heard() {
        return heard;
    }

    @Override
    public void disconnect() {
        ForeignClient.await(client.disconnect());
    }

    @Override
    public void close() {
        // It fails where the server has ended the connection meanwhile.
        if (client.getState().isConnected())
            ForeignClient.await(client.disconnect().exceptionally(_ -> null));
    }
}
