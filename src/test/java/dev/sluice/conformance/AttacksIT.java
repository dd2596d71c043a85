package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Attacks and strange clients, eight at a time, each beside an honest client that must not notice. */
class AttacksIT {
    private static final int AT_ONCE = 8;
    private static final List<String> FILES =
            List.of("upgrade.txt", "frames.txt", "connect.txt", "packets.txt", "flow.txt", "inputs.txt");

    private static GatewayProcess gateway;
    private static int port;

    @BeforeAll
    static void start() {
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        "-Dsluice.mqtt.packet-timeout=1s",
                        "-Dsluice.mqtt.connect-timeout=3s",
                        "-Dsluice.mqtt.ping-interval=30s");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    private static List<Attack> all() {
        return FILES.stream().flatMap(file -> Attack.of(file).stream()).toList();
    }

    @Test
    void thereAreSixtyAtLeast() {
        assertThat(all())
                .hasSizeGreaterThanOrEqualTo(60)
                .extracting(Attack::name)
                .doesNotHaveDuplicates();
    }

    @TestFactory
    Stream<DynamicTest> anAttackHarmsNobody() {
        var ran = new LinkedHashMap<Attack, CompletableFuture<Void>>();
        var honest = new ArrayList<Honest>();
        for (int i = 0; i < AT_ONCE; i++) honest.add(new Honest());
        var threads = Executors.newFixedThreadPool(AT_ONCE);
        var free = new java.util.concurrent.LinkedBlockingQueue<>(honest);
        for (var attack : all()) ran.put(attack, CompletableFuture.runAsync(() -> run(attack, free), threads));
        return ran.entrySet().stream()
                .map(it -> DynamicTest.dynamicTest(
                        it.getKey().name(), () -> it.getValue().join()))
                .onClose(() -> end(threads, honest));
    }

    private static void run(Attack attack, java.util.concurrent.BlockingQueue<Honest> free) {
        var honest = free.remove();
        try {
            attack.run(port, honest::assertAnswered);
        } finally {
            free.add(honest);
        }
    }

    private static void end(ExecutorService threads, List<Honest> honest) {
        threads.close();
        honest.forEach(it -> it.client.close());
    }

    /** A client that does everything right. Used by one thread at a time. */
    private static final class Honest {
        private static final Duration PATIENCE = Duration.ofSeconds(2);

        private final WireClient client = WireClient.open(port, ProtocolVersion.V5);
        private int packetId;

        private Honest() {
            client.connect(Device.connect(ProtocolVersion.V5, Device.id("honest"), true, Properties.NONE))
                    .receive(Packet.ConnAck.class);
        }

        void assertAnswered() {
            var begun = System.nanoTime();
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, ++packetId, "talk/honest", "x"), new Packet.PingReq());
            assertThat(List.of(client.receive(), client.receive()))
                    .contains(new Packet.PingResp(), new Packet.PubAck(packetId));
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .as("an honest client's answer")
                    .isLessThan(PATIENCE);
        }
    }
}
