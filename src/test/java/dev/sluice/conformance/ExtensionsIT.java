package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.GatewayProcess;
import dev.sluice.dev.Ports;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gateway agrees to no WebSocket extension, since it speaks none. */
class ExtensionsIT {
    private static final List<String> OFFERS = List.of(
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame",
            "x-webkit-deflate-frame",
            "deflate-frame",
            "permessage-bzip2, nonsense; a=b");

    @Test
    void noExtensionIsAgreedTo() {
        assertNoneIsAgreedTo(Gateway.shared().port());
    }

    @ParameterizedTest(name = "vertx.disableWebsockets = {0}")
    @ValueSource(strings = {"true", "false"})
    void norByTheHttpServer(String disableWebSockets) {
        var settings = Gateway.shared()
                .settingsOfAnother("-Dvertx.disableWebsockets=" + disableWebSockets)
                .withKafka("127.0.0.1:" + Ports.free());
        try (var gateway = GatewayProcess.start(settings)) {
            gateway.awaitLive();
            assertNoneIsAgreedTo(settings.port());
        }
    }

    private static void assertNoneIsAgreedTo(int port) {
        for (var offer : OFFERS) assertThat(answer(port, offer)).as(offer).isEqualTo("101 without");
    }

    private static String answer(int port, String offer) {
        var answer = WireClient.upgradeAnswer(
                port,
                "/mqtt",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Protocol: mqtt",
                "Sec-WebSocket-Extensions: " + offer);
        var status = answer.split(" ")[1];
        return status + (answer.toLowerCase().contains("sec-websocket-extensions") ? " with" : " without");
    }
}
