package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the launcher makes of arguments and environment, and how the demo counts. */
class LauncherTest {
    @Test
    void demoOptions() {
        assertThat(DemoOptions.parse(List.of())).isEqualTo(new DemoOptions(100, 1000, 20, 1));
        assertThat(DemoOptions.parse(List.of("--rate", "5", "--devices", "7", "--seconds", "9", "--gateways", "3")))
                .isEqualTo(new DemoOptions(7, 5, 9, 3));
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate"))).hasMessageContaining("but got nothing");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate", "-1"))).hasMessageContaining("but got -1");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--gateways", "11"))).hasMessageContaining("but got 11");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("fast"))).hasMessageContaining("'fast'");
    }

    @Test
    void howManyGateways() {
        assertThat(Launcher.gateways(List.of())).isEqualTo(1);
        assertThat(Launcher.gateways(List.of("--gateways", "10"))).isEqualTo(10);
        for (var count : List.of("0", "11", "many"))
            assertThatThrownBy(() -> Launcher.gateways(List.of("--gateways", count)))
                    .hasMessage("--gateways needs a whole number from 1 to 10, but got " + count + ".");
        assertThatThrownBy(() -> Launcher.gateways(List.of("--gateways"))).hasMessageEndingWith("but got nothing.");
        for (var wrong : List.of(List.of("--secure", "--gateways", "3"), List.of("--gateways", "3", "now")))
            assertThatThrownBy(() -> Launcher.gateways(wrong))
                    .hasMessageContaining("nothing else, but got '" + String.join(" ", wrong) + "'.");
    }

    @Test
    void eachOfSeveralGatewaysHasThePortsAfterTheBalancers() {
        var settings = Settings.of(Map.of("SLUICE_PORT", "20000", "SLUICE_MANAGEMENT_PORT", "21000"));
        assertThat(new GatewayPlan(settings, 1).describe()).isEmpty();
        assertThat(new GatewayPlan(settings, 2).describe()).isEqualToNormalizingNewlines("""

                        gateway-1  ws://127.0.0.1:20001/mqtt  health and metrics http://127.0.0.1:21001/q
                        gateway-2  ws://127.0.0.1:20002/mqtt  health and metrics http://127.0.0.1:21002/q""");
        var last = Settings.of(Map.of("SLUICE_PORT", "65530"));
        assertThatThrownBy(() -> new GatewayPlan(last, 6).requireFreePorts())
                .hasMessageStartingWith("port 65536 for the last of 6 gateways does not exist");
    }

    @Test
    void serversOfOnesOwnReplaceTheEmbeddedOnes() {
        var settings = Settings.of(Map.of("KAFKA_BOOTSTRAP_SERVERS", "k:1", "SLUICE_POSTGRES_PORT", "5"));
        assertThat(settings.kafka()).isEqualTo("k:1");
        assertThat(settings.postgres()).isEqualTo("jdbc:postgresql://127.0.0.1:5/sluice");
        assertThat(settings.foreignPostgres()).isEmpty();
        assertThatThrownBy(() -> Settings.of(Map.of("SLUICE_PORT", "70000")))
                .hasMessage("SLUICE_PORT is '70000'; it has to be a port number between 1 and 65535.");
    }

    @Test
    void tallyTellsWhatIsLost() {
        var tally = new Tally("r1", 2);
        for (var sequence = 1; sequence <= 4; sequence++) {
            tally.published();
            tally.acknowledged(1, sequence, 2_000_000);
        }
        tally.found(Tally.payload("r1", 1, 1));
        tally.found(Tally.payload("r1", 1, 3));
        tally.found(Tally.payload("r1", 1, 2));
        tally.found(Tally.payload("other", 1, 4));
        tally.found("not ours");
        assertThat(tally.isSettled()).isTrue();
        assertThat(tally.lost()).isEqualTo(1);
        assertThat(tally.table().replaceAll(" +", " ")).isEqualTo("""
                published 4
                acknowledged 4
                found in Kafka 3
                lost 1
                ack p50 2.0 ms
                ack p99 2.0 ms
                """);
    }
}
