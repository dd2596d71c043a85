package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Presence as fleets keep it: a retained "online", and a retained will "offline". Whoever watches sees how it is. */
class PresenceIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;
    /** {@code -Dpresence.devices=1000} for a whole fleet. */
    private static final int DEVICES = Integer.getInteger("presence.devices", 40);

    private final String folder = "talk/" + Device.id("presence");

    private static Packet.Connect connect(String clientId, String topic, Properties properties) {
        var will =
                new Will(TopicName.of(topic), ONE, true, Properties.NONE, "offline".getBytes(StandardCharsets.UTF_8));
        return new Packet.Connect(V5, false, 60, clientId, will, null, null, properties);
    }

    /** A device that says that it is there. */
    private Peer online(String clientId, Properties properties) {
        var topic = folder + "/" + clientId;
        var wire = Device.socket(V5);
        wire.connect(connect(clientId, topic, properties)).receive(Packet.ConnAck.class);
        var peer = Peer.of(wire);
        return peer.retain(ONE, topic, "online");
    }

    /** Sees what is published from now on, and no retained messages. */
    private Peer watcher() {
        return Peer.online(V5).subscribe(new Subscription(folder + "/#", ONE, false, false, 2));
    }

    private String retained(String clientId) {
        try (var late = Peer.online(V5).subscribe(ONE, folder + "/" + clientId)) {
            return late.text();
        }
    }

    /** The older connection is half open: the gateway does not know yet that it is broken. */
    @ParameterizedTest
    @ValueSource(longs = {0, 3600})
    void aDeviceThatTakesItselfOverIsOnline(long expiry) {
        var clientId = Device.id("device");
        var open = new ArrayList<Peer>();
        try (var watcher = watcher()) {
            for (int i = 0; i < 10; i++) {
                open.add(online(clientId, Device.expiry(expiry)));
                if (i > 0) assertThat(watcher.text()).isEqualTo("offline");
                assertThat(watcher.text()).isEqualTo("online");
            }
            assertThat(retained(clientId)).isEqualTo("online");
        } finally {
            open.forEach(Peer::close);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 3600})
    void aDeviceThatIsBackAtOnceIsOnline(long expiry) {
        var clientId = Device.id("device");
        try (var watcher = watcher()) {
            for (int i = 0; i < 10; i++) {
                var device = online(clientId, Device.expiry(expiry));
                assertThat(watcher.text()).isEqualTo("online");
                if (i < 9) device.close();
                else assertThat(retained(clientId)).isEqualTo("online");
                if (i == 9) device.leave();
                else assertThat(watcher.text()).isEqualTo("offline");
            }
        }
    }

    /** In Kafka, too, what the device says after it is back is behind its will. */
    @Test
    void kafkaHasTheWillBeforeWhatTheDeviceSaysNext() {
        var clientId = Device.id("device");
        var open = new ArrayList<Peer>();
        for (int i = 0; i < 5; i++) open.add(online(clientId, Properties.NONE));
        open.forEach(Peer::close);
        var texts = Records.of(Gateway.shared(), "wire.talk", clientId, 10).stream()
                .map(record -> record.text())
                .toList();
        assertThat(texts)
                .containsExactlyElementsOf(IntStream.range(0, 10)
                        .mapToObj(i -> i % 2 == 0 ? "online" : "offline")
                        .toList());
    }

    /** Some sockets are broken without a word, others with one; at the end the view of who watches is true. */
    @Test
    void noDeviceOfAFleetThatIsBackIsOffline() throws Exception {
        var clientIds =
                IntStream.range(0, DEVICES).mapToObj(_ -> Device.id("device")).toList();
        var open = new ArrayList<Peer>();
        try (var watcher = watcher();
                var threads = Executors.newFixedThreadPool(16)) {
            var seen = CompletableFuture.supplyAsync(() -> seenUntil(watcher, folder + "/end"), threads);
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < open.size(); i += 3) open.get(i).close();
                var connecting = clientIds.stream()
                        .map(it -> (Callable<Peer>) () -> online(it, Device.expiry(3600)))
                        .toList();
                for (var device : threads.invokeAll(connecting)) open.add(device.get());
            }
            open.getLast().publish(ONE, folder + "/end", "online");
            assertThat(seen.join()).hasSize(DEVICES + 1).containsOnly("online");
            try (var late = Peer.online(V5).subscribe(ONE, folder + "/#")) {
                for (int i = 0; i < DEVICES; i++) assertThat(late.text()).isEqualTo("online");
                late.assertNothingMore();
            }
        } finally {
            open.forEach(Peer::close);
        }
    }

    /** The last text of each topic, as far as the first message of one. */
    private static Collection<String> seenUntil(Peer watcher, String topic) {
        var last = new HashMap<String, String>();
        while (!last.containsKey(topic)) {
            var publish = watcher.taken();
            last.put(publish.topicName().toString(), Peer.text(publish));
        }
        return last.values();
    }
}
