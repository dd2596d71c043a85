package dev.sluice.dev;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.MqttClientBuilder;
import com.hivemq.client.mqtt.MqttWebSocketConfig;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import dev.sluice.tools.Complaint;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Simulated devices that publish with QoS 1 over WebSocket, every other one with MQTT 3.1.1; publishing is confined to one thread. */
final class Fleet implements AutoCloseable {
    /** A gateway that stops reading must not fill this JVM's memory. */
    private static final int MOST_UNSETTLED = 50_000;

    private static final int CONNECTING_AT_ONCE = 200;

    private interface Publishing {
        /** Completes when the gateway has acknowledged; fails when it has refused or the connection is lost. */
        CompletableFuture<?> publish(String topic, byte[] payload);
    }

    private record Device(int number, Publishing publishing, Supplier<CompletableFuture<Void>> disconnect) {}

    private final String run;
    private final Tally tally;
    private final List<Device> devices = new ArrayList<>();
    private final Semaphore room = new Semaphore(MOST_UNSETTLED);
    private volatile boolean closed;

    Fleet(String run, Tally tally) {
        this.run = run;
        this.tally = tally;
    }

    /** Connects so many devices. */
    void connect(int port, int count) {
        for (var first = 0; first < count; first += CONNECTING_AT_ONCE) {
            var connecting = new ArrayList<CompletableFuture<?>>();
            for (var number = first; number < Math.min(count, first + CONNECTING_AT_ONCE); number++) {
                connecting.add(number % 2 == 0 ? connect5(port, number) : connect3(port, number));
            }
            try {
                CompletableFuture.allOf(connecting.toArray(CompletableFuture<?>[]::new))
                        .orTimeout(30, TimeUnit.SECONDS)
                        .join();
            } catch (RuntimeException e) {
                throw new Complaint("the devices cannot connect to port " + port + ": " + e.getMessage(), e);
            }
        }
    }

    private CompletableFuture<?> connect5(int port, int number) {
        var client = builder(port, number).useMqttVersion5().buildAsync();
        devices.add(new Device(
                number,
                (topic, payload) -> client.publishWith()
                        .topic(topic)
                        .qos(MqttQos.AT_LEAST_ONCE)
                        .payload(payload)
                        .send()
                        .thenAccept(Fleet::requireSuccess),
                client::disconnect));
        return client.connectWith().cleanStart(true).sessionExpiryInterval(3600).send();
    }

    private static void requireSuccess(Mqtt5PublishResult result) {
        result.getError().ifPresent(error -> {
            throw new IllegalStateException(error);
        });
    }

    private CompletableFuture<?> connect3(int port, int number) {
        var client = builder(port, number).useMqttVersion3().buildAsync();
        devices.add(new Device(
                number,
                (topic, payload) -> client.publishWith()
                        .topic(topic)
                        .qos(MqttQos.AT_LEAST_ONCE)
                        .payload(payload)
                        .send(),
                client::disconnect));
        return client.connectWith().cleanSession(false).send();
    }

    /** The run id in the client id gives each run sessions of its own. */
    private MqttClientBuilder builder(int port, int number) {
        return MqttClient.builder()
                .identifier(name(number) + "-" + run)
                .serverHost("127.0.0.1")
                .serverPort(port)
                .automaticReconnectWithDefaultConfig()
                .webSocketConfig(MqttWebSocketConfig.builder()
                        .serverPath("mqtt")
                        .subprotocol("mqtt")
                        .build());
    }

    private static String name(int number) {
        return "device-" + number;
    }

    /** Publishes at an even rate, the devices in turn; slower when the gateway does not keep up. */
    void publish(int rate, Duration time) {
        var count = rate * time.toSeconds();
        var start = System.nanoTime();
        for (long message = 0; message < count && !closed; message++) {
            var due = start + message * TimeUnit.SECONDS.toNanos(1) / rate;
            for (var early = due - System.nanoTime(); early > 0; early = due - System.nanoTime()) {
                LockSupport.parkNanos(early);
            }
            room.acquireUninterruptibly();
            var device = devices.get((int) (message % devices.size()));
            publish(device, (int) (message / devices.size()) + 1);
        }
    }

    private void publish(Device device, int sequence) {
        var payload = Tally.payload(run, device.number(), sequence).getBytes(StandardCharsets.UTF_8);
        var sent = System.nanoTime();
        tally.published();
        device.publishing()
                .publish("fleet/" + name(device.number()) + "/telemetry", payload)
                .whenComplete((_, failure) -> {
                    room.release();
                    if (failure == null) {
                        tally.acknowledged(device.number(), sequence, System.nanoTime() - sent);
                    } else {
                        tally.failed();
                    }
                });
    }

    @Override
    public void close() {
        closed = true;
        var disconnecting = devices.stream().map(device -> device.disconnect().get());
        CompletableFuture.allOf(disconnecting.toArray(CompletableFuture<?>[]::new))
                .exceptionally(_ -> null) // a device that is not connected needs no goodbye
                .completeOnTimeout(null, 5, TimeUnit.SECONDS)
                .join();
    }
}
