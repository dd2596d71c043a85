package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.Authenticator;
import dev.sluice.access.Peer;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.cluster.LocalRelay;
import dev.sluice.cluster.node.Lease;
import dev.sluice.codec.PacketFramer;
import dev.sluice.codec.PacketReader;
import dev.sluice.config.AccessConfig;
import dev.sluice.config.LimitsConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.support.Frames;
import dev.sluice.support.NodeSettings;
import dev.sluice.support.Readers;
import dev.sluice.uplink.UplinkRig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Owns a broker with a real PostgreSQL and a Kafka that answers only when the test says so. Its connections have event loops, and no
 * sockets. Used by the test's thread.
 */
final class TakeOverRig implements AutoCloseable {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    final UplinkRig kafka;
    private final StoreRig store;
    private final Broker broker;
    private final List<ScheduledExecutorService> loops = new ArrayList<>();

    /**
     * @param uplink keys of the configuration, without {@code sluice.uplink.}
     * @param keys others, in full
     */
    TakeOverRig(EmbeddedServer server, Map<String, String> uplink, Map<String, String> keys) {
        server.empty();
        kafka = new UplinkRig(uplink);
        kafka.spool.on = false;
        store = new StoreRig(server, StoreRig.Settings.ONE_LANE);
        var relay = LocalRelay.alone();
        var meters = new SimpleMeterRegistry();
        broker = new Broker(
                new ConnectionSettings(
                        config(MqttConfig.class, keys), StoreRig.BOUNDS, kafka.config, config(RulesConfig.class, keys)),
                config(StoreConfig.class, keys),
                relay,
                new Lease(NodeSettings.of("node-1", "lease", "1h")),
                config(AccessConfig.class, keys),
                config(LimitsConfig.class, keys),
                new Authenticator(List.of("anonymous"), List.of(new BrokerRig.Everybody())),
                kafka.uplink,
                new Stores(
                        store.sessions,
                        store.journal,
                        store.subscriptions,
                        store.queues,
                        store.sharedQueues,
                        store.retainedTopics,
                        store.retained,
                        store.wills),
                new RulesInForce(),
                kafka.health(),
                relay,
                new Departures(StoreRig.NODE, meters),
                meters);
        broker.start(null);
    }

    private static <T> T config(Class<T> type, Map<String, String> keys) {
        return new SmallRyeConfigBuilder()
                .addDiscoveredConverters()
                .withMapping(type)
                .withDefaultValues(keys)
                .build()
                .getConfigMapping(type);
    }

    /** One more event loop. */
    ScheduledExecutorService loop() {
        var loop = Executors.newSingleThreadScheduledExecutor();
        loops.add(loop);
        return loop;
    }

    /** A client on this loop whose session outlives its connection; what it sends comes right behind its CONNECT. */
    Client connect(ScheduledExecutorService loop, String clientId, Packet... more) {
        var client = new Client(loop);
        var session = Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 60);
        var packets =
                new ArrayList<Packet>(List.of(new Packet.Connect(V5, false, 60, clientId, null, null, null, session)));
        packets.addAll(List.of(more));
        loop.execute(() -> {
            client.connection =
                    broker.connect(loop, client, new Peer("192.0.2.7", "192.0.2.7:1", false, List.of(), null, "/mqtt"));
            client.read(packets.toArray(Packet[]::new));
        });
        return client;
    }

    @Override
    public void close() {
        broker.stop(null);
        loops.forEach(ScheduledExecutorService::shutdownNow);
        store.close();
    }

    /** A client and its socket. Its own methods may be called by any thread, those of the socket are called by its loop. */
    static final class Client extends QuietTransport {
        private final ScheduledExecutorService loop;
        private final PacketReader reader = new PacketReader(V5);
        private final PacketFramer framer = new PacketFramer(Readers.LARGEST);
        private final BlockingQueue<Packet> received = new LinkedBlockingQueue<>();
        /** The loop's. */
        private Connection connection;

        private Client(ScheduledExecutorService loop) {
            this.loop = loop;
        }

        /** Has the gateway read packets now, on the loop. */
        void read(Packet... packets) {
            var bytes = Arrays.stream(packets).map(it -> Readers.write(V5, it)).toArray(byte[][]::new);
            connection.received(ByteBuffer.wrap(Frames.join(bytes)));
            connection.readComplete();
        }

        /** The next packet that the gateway has sent. */
        <P extends Packet> P receive(Class<P> type) throws InterruptedException {
            var packet = received.poll(60, TimeUnit.SECONDS);
            assertThat(packet).isInstanceOf(type);
            return type.cast(packet);
        }

        @Override
        public void send(byte[] bytes, int length) {
            var in = ByteBuffer.wrap(bytes, 0, length);
            for (ByteBuffer packet; (packet = framer.next(in)) != null; ) received.add(reader.read(packet));
        }

        @Override
        public void close(int status) {
            loop.execute(connection::transportClosed);
        }
    }
}
