package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ReasonCode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TransportTest {
    @ParameterizedTest
    @CsvSource({
        "SUCCESS, 1000",
        "DISCONNECT_WITH_WILL_MESSAGE, 1000",
        "SERVER_SHUTTING_DOWN, 1001",
        "USE_ANOTHER_SERVER, 1001",
        "MAXIMUM_CONNECT_TIME, 1001",
        "MALFORMED_PACKET, 1002",
        "PROTOCOL_ERROR, 1002",
        "PAYLOAD_FORMAT_INVALID, 1007",
        "SESSION_TAKEN_OVER, 1008",
        "KEEP_ALIVE_TIMEOUT, 1008",
        "NOT_AUTHORIZED, 1008",
        "ADMINISTRATIVE_ACTION, 1008",
        "PACKET_TOO_LARGE, 1009",
        "UNSPECIFIED_ERROR, 1011",
        "IMPLEMENTATION_SPECIFIC_ERROR, 1011",
        "SERVER_BUSY, 1013",
        "SERVER_UNAVAILABLE, 1013"
    })
    void theCloseFrameSaysWhatHappened(ReasonCode reason, int status) {
        assertThat(Transport.status(reason)).isEqualTo(status);
    }
}
