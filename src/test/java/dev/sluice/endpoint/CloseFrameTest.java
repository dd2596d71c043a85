package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.endpoint.FrameParser.Violation;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloseFrameTest {
    private static ByteBuffer of(int status) {
        return ByteBuffer.wrap(CloseFrame.payload(status));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
    void aStatusIsAnsweredWithItself(int status) {
        assertThat(CloseFrame.answerTo(of(status))).isEqualTo(CloseFrame.payload(status));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535})
    void aStatusThatNobodyMaySendIsAViolation(int status) {
        var violation = catchThrowableOfType(Violation.class, () -> CloseFrame.answerTo(of(status)));
        assertThat(violation.status()).isEqualTo(1002);
    }

    @Test
    void noStatusIsAnsweredWithNone() {
        assertThat(CloseFrame.answerTo(ByteBuffer.allocate(0))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"half a status, 03, 1002", "a byte that UTF-8 has not, 03E8FF, 1007", "half a character, 03E8C3, 1007"})
    void isAViolation(String what, String hex, int status) {
        var payload = ByteBuffer.wrap(HexFormat.of().parseHex(hex));
        var violation = catchThrowableOfType(Violation.class, () -> CloseFrame.answerTo(payload));
        assertThat(violation.status()).as(what).isEqualTo(status);
    }

    @Test
    void aTextIsNotRepeated() {
        var payload = ByteBuffer.wrap(HexFormat.of().parseHex("03E9" + "67C3BC74"));
        assertThat(CloseFrame.answerTo(payload)).isEqualTo(CloseFrame.payload(1001));
    }
}
