package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LimitsTest {
    @ParameterizedTest
    @CsvSource({"0", "65536"})
    void aReceiveMaximumThatTheProtocolDoesNotKnowIsRefused(int receiveMaximum) {
        assertThatThrownBy(() -> new Limits(receiveMaximum, 32, 1024, 60, 60, 256, null))
                .hasMessage("sluice.mqtt.receive-maximum: is " + receiveMaximum + ", and has to be 1 to 65535");
    }

    @Test
    void aClientIdThatThePrimaryKeyCannotHoldIsRefused() {
        assertThatThrownBy(() -> new Limits(1, 32, 1024, 60, 60, 4096, null))
                .hasMessage("sluice.mqtt.client-id-maximum: is 4096, and has to be 23 to 2048");
    }
}
