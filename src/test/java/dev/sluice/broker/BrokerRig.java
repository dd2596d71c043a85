package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authentication;
import dev.sluice.access.Authenticator;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Peer;
import dev.sluice.access.Verdict;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.node.Lease;
import dev.sluice.codec.PacketBuffer;
import dev.sluice.codec.PacketReader;
import dev.sluice.codec.PacketWriter;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreRig;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.UplinkRig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Owns a broker as the gateway has it, with one event loop, without sockets and without Kafka; used by the test's thread. */
final class BrokerRig implements AutoCloseable {
    private static final Peer PEER = new Peer("192.0.2.7", "192.0.2.7:4711", false, List.of(), null, "/mqtt");

    final LocalRelay relay;
    final UplinkRig kafka;
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    /** Whether others take it that this gateway lives. */
    final AtomicBoolean lease = new AtomicBoolean(true);

    private final Departures departures;
    final Broker broker;
    private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();

    /** Lasts while the test says so. */
    private static final class SettableLease extends Lease {
        private final AtomicBoolean lasts;

        private SettableLease(AtomicBoolean lasts) {
            super(StoreRig.NODE);
            this.lasts = lasts;
        }

        @Override
        public boolean lasts() {
            return lasts.get();
        }
    }

    /** Lets in whoever comes. */
    static final class Everybody implements Authentication {
        @Override
        public Method method() {
            return Method.ANONYMOUS;
        }

        @Override
        public boolean concerns(Attempt attempt) {
            return true;
        }

        @Override
        public Verdict judge(Attempt attempt) {
            return new Verdict.Granted(Identity.ANONYMOUS);
        }
    }

    /**
     * @param topics what it knows of retained messages
     * @param uplink keys of the configuration, without {@code sluice.uplink.}
     */
    BrokerRig(LocalRelay relay, StoreRig store, RetainedTopics topics, Map<String, String> uplink) {
        this(relay, store, topics, store.subscriptions, uplink, Map.of());
    }

    /** @param more keys of the configuration */
    BrokerRig(
            LocalRelay relay,
            StoreRig store,
            RetainedTopics topics,
            Map<String, String> uplink,
            Map<String, String> more) {
        this(relay, store, topics, store.subscriptions, uplink, more);
    }

    /**
     * @param subscriptions how it reads those that are stored
     * @param more keys of the configuration
     */
    BrokerRig(
            LocalRelay relay,
            StoreRig store,
            RetainedTopics topics,
            SubscriptionReader subscriptions,
            Map<String, String> uplink,
            Map<String, String> more) {
        this.relay = relay;
        this.kafka = new UplinkRig(uplink);
        var config = config(more);
        var mqtt = config.getConfigMapping(MqttConfig.class);
        var rules = config.getConfigMapping(RulesConfig.class);
        this.departures = new Departures(StoreRig.NODE, meters);
        this.broker = new Broker(
                new ConnectionSettings(mqtt, new ConfiguredBounds().bounds(mqtt), kafka.config, rules),
                config.getConfigMapping(StoreConfig.class),
                relay,
                new SettableLease(lease),
                config.getConfigMapping(AccessConfig.class),
                config.getConfigMapping(LimitsConfig.class),
                new Authenticator(List.of("anonymous"), List.of(new Everybody())),
                kafka.uplink,
                stores(store, topics, subscriptions),
                new RulesInForce(),
                kafka.health(),
                relay,
                departures,
                meters);
        relay.join();
    }

    private static SmallRyeConfig config(Map<String, String> more) {
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(MqttConfig.class)
                .withMapping(AccessConfig.class)
                .withMapping(RulesConfig.class)
                .withMapping(LimitsConfig.class)
                .withMapping(StoreConfig.class)
                .withDefaultValues(Map.of("sluice.store.open-timeout", "60s", "sluice.store.sweep-interval", "1h"))
                .withDefaultValues(more)
                .withValidateUnknown(false)
                .build();
    }

    private static Stores stores(StoreRig store, RetainedTopics topics, SubscriptionReader subscriptions) {
        return new Stores(
                store.sessions,
                store.journal,
                subscriptions,
                store.queues,
                store.sharedQueues,
                topics,
                store.retained,
                store.wills);
    }

    /** A client of MQTT 5; what it is sent comes in the order sent. */
    final class Client extends QuietTransport {
        private final PacketWriter writer = new PacketWriter(ProtocolVersion.V5);
        private final PacketReader reader = new PacketReader(ProtocolVersion.V5);
        private final LinkedBlockingQueue<Packet> received = new LinkedBlockingQueue<>();
        private Connection connection;

        Client send(Packet... packets) {
            var bytes = new PacketBuffer();
            for (var packet : packets) writer.write(packet, bytes);
            loop.execute(() -> {
                connection.received(ByteBuffer.wrap(bytes.toByteArray()));
                connection.readComplete();
            });
            return this;
        }

        /** In one turn of reading, in which each comes by itself. */
        void sendInPieces(Packet... packets) {
            var bytes = new PacketBuffer();
            var ends = new int[packets.length];
            for (int i = 0; i < packets.length; i++) {
                writer.write(packets[i], bytes);
                ends[i] = bytes.length();
            }
            var all = bytes.toByteArray();
            loop.execute(() -> {
                for (int i = 0, begin = 0; i < ends.length; begin = ends[i++])
                    connection.received(ByteBuffer.wrap(all, begin, ends[i] - begin));
                connection.readComplete();
            });
        }

        /** How many packets have come and were not asked for. */
        int received() {
            return received.size();
        }

        Client subscribe(int packetId, QoS qos, String... filters) {
            var all = List.of(filters).stream()
                    .map(filter -> new Subscription(filter, qos, false, false, 0))
                    .toList();
            return send(new Packet.Subscribe(packetId, all, Properties.NONE));
        }

        Client publish(int packetId, QoS qos, boolean retain, String topic, String payload) {
            return send(new Packet.Publish(
                    false, qos, retain, TopicName.of(topic), packetId, Properties.NONE, payload.getBytes()));
        }

        /** The next packet, which is of this type. */
        <P extends Packet> P next(Class<P> type) {
            try {
                var packet = received.poll(60, TimeUnit.SECONDS);
                assertThat(packet).isInstanceOf(type);
                return type.cast(packet);
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
        }

        /** Nothing has come but the answer to a ping, behind all that this client has sent. */
        void hasGotNothing() {
            send(new Packet.PingReq());
            next(Packet.PingResp.class);
        }

        void leave() {
            loop.execute(() -> connection.transportClosed());
        }

        @Override
        public void send(byte[] bytes, int length) {
            var sent = ByteBuffer.wrap(bytes.clone(), 0, length);
            while (sent.hasRemaining()) {
                var start = sent.position();
                sent.get();
                var size = 0;
                for (int shift = 0; ; shift += 7) {
                    var each = sent.get();
                    size |= (each & 0x7f) << shift;
                    if (each >= 0) break;
                }
                var end = sent.position() + size;
                received.add(reader.read(sent.slice(start, end - start)));
                sent.position(end);
            }
        }

        @Override
        public void close(int status) {
            if (!loop.isShutdown()) loop.execute(() -> connection.transportClosed());
        }
    }

    /** A client that is connected, whose session is new, and ends with its connection or after a minute. */
    Client connect(String clientId, boolean durable) {
        return connect(clientId, durable, true);
    }

    /** A client that is connected, and goes on with its session, which ends after a minute. */
    Client resume(String clientId) {
        return connect(clientId, true, false);
    }

    private Client connect(String clientId, boolean durable, boolean cleanStart) {
        var client = begin(clientId, durable, cleanStart, null);
        client.next(Packet.ConnAck.class);
        return client;
    }

    /** One with a will, whose session is new; it has sent its CONNECT. */
    Client begin(String clientId, boolean durable, Will will) {
        return begin(clientId, durable, true, will);
    }

    private Client begin(String clientId, boolean durable, boolean cleanStart, Will will) {
        var client = new Client();
        loop.execute(() -> client.connection = broker.connect(loop, client, PEER));
        var properties = durable ? Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 60L) : Properties.NONE;
        return client.send(
                new Packet.Connect(ProtocolVersion.V5, cleanStart, 60, clientId, will, null, null, properties));
    }

    /** The relay has taken in what has come by now. */
    void settle() {
        var done = new CountDownLatch(1);
        relay.execute(done::countDown);
        await().until(() -> done.getCount() == 0);
    }

    @Override
    public void close() {
        departures.cut();
        relay.close();
        loop.shutdownNow();
    }
}
