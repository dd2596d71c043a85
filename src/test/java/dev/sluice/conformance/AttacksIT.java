package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Gateway;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Attacks and strange clients where anybody may connect. */
class AttacksIT {
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

    private static Stream<Attack> ofAnybody() {
        return FILES.stream().flatMap(file -> Attack.of(file).stream());
    }

    @Test
    void thereAreTwoHundredAtLeast() {
        assertThat(Stream.concat(ofAnybody(), Attack.of(TokenAttacksIT.FILE).stream()))
                .hasSizeGreaterThanOrEqualTo(200)
                .extracting(Attack::name)
                .doesNotHaveDuplicates();
    }

    @TestFactory
    Stream<DynamicTest> anAttackHarmsNobody() {
        return new AttackTable(
                        port, () -> Device.connect(ProtocolVersion.V5, Device.id("honest"), true, Properties.NONE))
                .tests(ofAnybody().toList());
    }
}
