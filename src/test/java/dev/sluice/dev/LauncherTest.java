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
        assertThat(DemoOptions.parse(List.of())).isEqualTo(new DemoOptions(100, 1000, 20));
        assertThat(DemoOptions.parse(List.of("--rate", "5", "--devices", "7", "--seconds", "9")))
                .isEqualTo(new DemoOptions(7, 5, 9));
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate"))).hasMessageContaining("but got nothing");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("--rate", "-1"))).hasMessageContaining("but got -1");
        assertThatThrownBy(() -> DemoOptions.parse(List.of("fast"))).hasMessageContaining("'fast'");
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
