package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.codec.InputBounds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LimitsTest {
    private static Limits limits(int receiveMaximum, int clientIdMaximum, int sendQuota) {
        var policy = QueuePolicy.DROP_NEWEST;
        return new Limits(
                receiveMaximum,
                32,
                1024,
                60,
                60,
                clientIdMaximum,
                null,
                sendQuota,
                1,
                1,
                policy,
                1,
                true,
                InputBounds.NONE);
    }

    @ParameterizedTest
    @CsvSource({"0", "65536"})
    void aReceiveMaximumThatTheProtocolDoesNotKnowIsRefused(int receiveMaximum) {
        assertThatThrownBy(() -> limits(receiveMaximum, 256, 1))
                .hasMessage("sluice.mqtt.receive-maximum: is " + receiveMaximum + ", and has to be 1 to 65535");
    }

    @Test
    void aClientIdThatThePrimaryKeyCannotHoldIsRefused() {
        assertThatThrownBy(() -> limits(1, 4096, 1))
                .hasMessage("sluice.mqtt.client-id-maximum: is 4096, and has to be 23 to 2048");
    }

    @ParameterizedTest
    @CsvSource({"0", "65536"})
    void aSendQuotaThatPacketIdentifiersDoNotSufficeForIsRefused(int sendQuota) {
        assertThatThrownBy(() -> limits(1, 256, sendQuota))
                .hasMessage("sluice.mqtt.send-quota: is " + sendQuota + ", and has to be 1 to 65535");
    }
}
