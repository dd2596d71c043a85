package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Attacks and strange clients, where anybody may connect and where access is guarded. */
class AttacksIT {
    private static final int TIMED = 200;
    private static final int WARM_UP = 50;
    private static final List<String> FILES =
            List.of("upgrade.txt", "frames.txt", "connect.txt", "packets.txt", "flow.txt", "inputs.txt");
    private static final List<String> GUARDED_FILES = List.of("access.txt", "rules.txt");

    @TempDir
    static Path folder;

    static int port;
    private static GatewayProcess gateway;
    private static GuardedGateway guarded;

    @BeforeAll
    static void start() {
        guarded = new GuardedGateway(folder);
        gateway = Gateway.shared()
                .startAnother(
                        used -> port = used,
                        RouteChangeCases.UNASKED,
                        "-Dsluice.mqtt.packet-timeout=1s",
                        "-Dsluice.mqtt.connect-timeout=3s");
    }

    @AfterAll
    static void stop() {
        gateway.close();
        guarded.close();
    }

    /** On the gateway that takes in anybody. */
    @Nested
    class RouteChange extends RouteChangeCases {}

    private static List<Attack> all(List<String> files) {
        return files.stream().flatMap(file -> Attack.of(file).stream()).toList();
    }

    @Test
    void thereAreTwoHundredAtLeastAndAHundredOnAccess() {
        assertThat(all(FILES)).hasSizeGreaterThanOrEqualTo(160);
        assertThat(all(GUARDED_FILES)).hasSizeGreaterThanOrEqualTo(100);
        assertThat(Stream.of(FILES, GUARDED_FILES, List.of(TokenAttackCases.FILE))
                        .flatMap(files -> all(files).stream()))
                .extracting(Attack::name)
                .doesNotHaveDuplicates();
    }

    @TestFactory
    Stream<DynamicTest> anAttackHarmsNobody() {
        return new AttackTable(null, port, () -> honest(null)).tests(all(FILES));
    }

    /** On a gateway that guards who may connect and what they may do. */
    @TestFactory
    Stream<DynamicTest> anAttackOnAccessGainsNothingAndHarmsNobody() {
        return new AttackTable(guarded, guarded.port(), () -> honest("honest")).tests(all(GUARDED_FILES));
    }

    /** @param user null for nobody; the password is {@code secret-of-<user>} */
    private static Packet.Connect honest(String user) {
        var password = user == null ? null : ("secret-of-" + user).getBytes(StandardCharsets.UTF_8);
        return new Packet.Connect(
                ProtocolVersion.V5, true, 60, Device.id("honest"), null, user, password, Properties.NONE);
    }

    /**
     * Wrong passwords of known and unknown users in a random order, each from an address of its own. Equal means: of two at random, the known one
     * takes longer about every second time; 0.15 is more than four standard deviations of that.
     */
    @Test
    void theTimeOfARefusalSaysNothingOfWhetherAUserExists() {
        var known = new ArrayList<Long>();
        var unknown = new ArrayList<Long>();
        var order = new ArrayList<Boolean>();
        for (int i = 0; i < TIMED; i++) order.addAll(List.of(true, false));
        Collections.shuffle(order, new Random(1));
        for (int i = 0; i < WARM_UP; i++) nanosOfRefusal("ann");
        for (var isKnown : order)
            (isKnown ? known : unknown).add(nanosOfRefusal(isKnown ? "ann" : Device.id("nobody")));
        var longer = known.stream()
                .mapToDouble(it -> unknown.stream().filter(other -> it > other).count())
                .sum();
        var probability = longer / (known.size() * unknown.size());
        System.out.printf(
                "refusals over the wire: known user %d us, unknown user %d us (medians of %d); a known one takes longer with"
                        + " probability %.2f%n",
                median(known) / 1000, median(unknown) / 1000, TIMED, probability);
        assertThat(probability).isBetween(0.35, 0.65);
    }

    private static long nanosOfRefusal(String user) {
        try (var client = WireClient.from(Intruder.newAddress(), guarded.port(), ProtocolVersion.V5, null)) {
            var connect = new Packet.Connect(
                    ProtocolVersion.V5,
                    true,
                    60,
                    Device.id("guess"),
                    null,
                    user,
                    "wrong".getBytes(StandardCharsets.UTF_8),
                    Properties.NONE);
            var begun = System.nanoTime();
            var answer = client.connect(connect).receive(Packet.ConnAck.class);
            var taken = System.nanoTime() - begun;
            assertThat(answer.reason()).isEqualTo(ReasonCode.BAD_USER_NAME_OR_PASSWORD);
            return taken;
        }
    }

    private static long median(List<Long> times) {
        return times.stream().sorted().skip(times.size() / 2).findFirst().orElseThrow();
    }
}
