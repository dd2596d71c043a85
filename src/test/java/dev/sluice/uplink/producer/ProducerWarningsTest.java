package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProducerWarningsTest {
    private static final Map<String, String> SAFE =
            Map.of("acks", "all", "max.block.ms", "0", "delivery.timeout.ms", "2147483647", "linger.ms", "500");

    @Test
    void nothingIsSaidOfWhatIsSafe() {
        assertThat(ProducerWarnings.of(SAFE)).isEmpty();
        assertThat(ProducerWarnings.of(Map.of("acks", "-1", "enable.idempotence", "true", "retries", "2147483647")))
                .isEmpty();
        assertThat(ProducerWarnings.of(Map.of("max.in.flight.requests.per.connection", "5")))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            acks                                  | 1      | acknowledged before every in-sync replica has it
            acks                                  | 0      | acknowledged before every in-sync replica has it
            enable.idempotence                    | false  | twice or behind a later one
            max.in.flight.requests.per.connection | 6      | can overtake each other
            retries                               | 0      | given up after so many tries
            delivery.timeout.ms                   | 120000 | given up when Kafka is away for longer
            max.block.ms                          | 60000  | blocks the event loop
            transactional.id                      | x      | no message reaches Kafka
            """)
    void saysWhichPartOfThePromiseIsGivenUp(String property, String value, String consequence) {
        var properties = new HashMap<String, Object>(SAFE);
        properties.put(property, value);
        assertThat(ProducerWarnings.of(properties)).singleElement().satisfies(warning -> assertThat(warning)
                .startsWith("mp.messaging.outgoing.uplink." + property + "=")
                .contains(consequence));
    }
}
