package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Stopwatch;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/** Runs attacks against one gateway, eight at a time, each beside an honest client that must not notice. Used by one thread. */
final class AttackTable {
    private static final int AT_ONCE = 4;

    private final GuardedGateway guarded;
    private final int port;
    private final BlockingQueue<Honest> honest = new LinkedBlockingQueue<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);

    /**
     * @param guarded as {@link Attack#run} has it
     * @param connect that of an honest client; each has a client identifier of its own
     */
    AttackTable(GuardedGateway guarded, int port, Supplier<Packet.Connect> connect) {
        this.guarded = guarded;
        this.port = port;
        for (int i = 0; i < AT_ONCE; i++) honest.add(new Honest(port, connect.get()));
    }

    /** A test for each attack; when they have ended, so has this. */
    Stream<DynamicTest> tests(List<Attack> attacks) {
        var ran = new LinkedHashMap<Attack, CompletableFuture<Void>>();
        for (var attack : attacks) ran.put(attack, CompletableFuture.runAsync(() -> run(attack), threads));
        return ran.entrySet().stream()
                .map(it -> DynamicTest.dynamicTest(
                        it.getKey().name(), () -> it.getValue().join()))
                .onClose(this::end);
    }

    private void run(Attack attack) {
        var beside = honest.remove();
        try {
            attack.run(guarded, port, beside::assertAnswered);
        } finally {
            honest.add(beside);
        }
    }

    private void end() {
        threads.close();
        new ArrayList<>(honest).forEach(it -> it.client.close());
    }

    /** A client that does everything right. Used by one thread at a time. */
    private static final class Honest {
        private static final Duration PATIENCE = Duration.ofSeconds(2);

        private final WireClient client;
        private int packetId;

        private Honest(int port, Packet.Connect connect) {
            client = WireClient.open(port, ProtocolVersion.V5);
            Device.connected(client, connect);
        }

        void assertAnswered() {
            var watch = Stopwatch.start();
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, ++packetId, "talk/honest", "x"), new Packet.PingReq());
            assertThat(List.of(client.receive(), client.receive()))
                    .contains(new Packet.PingResp(), new Packet.PubAck(packetId));
            watch.assertLessThan(PATIENCE);
        }
    }
}
