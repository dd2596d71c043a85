package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OriginsTest {
    @ParameterizedTest
    @CsvSource({
        "http://gate.example, gate.example",
        "https://gate.example:8443, gate.example",
        "https://Gate.Example, gate.example",
        "http://127.0.0.1:3000, 127.0.0.1",
        "http://[::1]:3000, [::1]"
    })
    void theOwnHostMayConnect(String origin, String host) {
        assertThat(new Origins(List.of()).isAllowed(origin, host)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "https://evil.example, gate.example",
        "https://gate.example.evil.example, gate.example",
        "https://evil.example/gate.example, gate.example",
        "https://gate.example@evil.example, gate.example",
        "null, gate.example",
        "file://, gate.example",
        "gate.example, gate.example",
        "'', gate.example",
        "http:// , gate.example",
        "http://gate.example,"
    })
    void othersMayNot(String origin, String host) {
        assertThat(new Origins(List.of()).isAllowed(origin, host)).isFalse();
    }

    @Test
    void theListIsAllowedAsItStands() {
        var origins = new Origins(List.of("https://app.example", "http://app.example:3000", "null", "file://"));
        for (var origin :
                List.of("https://app.example", "https://APP.example", "http://app.example:3000", "null", "file://"))
            assertThat(origins.isAllowed(origin, "gate.example")).as(origin).isTrue();
        for (var origin : List.of("http://app.example", "https://app.example:3000", "https://x.app.example"))
            assertThat(origins.isAllowed(origin, "gate.example")).as(origin).isFalse();
    }

    @Test
    void aStarAllowsAny() {
        assertThat(new Origins(List.of("*")).isAllowed("https://evil.example", "gate.example"))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "app.example",
                "https://app.example/",
                "https://app.example/page",
                "https://",
                "https://*.example/x",
                ""
            })
    void whatIsNoOriginIsRefused(String entry) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Origins(List.of(entry)))
                .withMessageContaining("sluice.mqtt.allowed-origins");
    }
}
