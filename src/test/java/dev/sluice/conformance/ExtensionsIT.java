package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.util.List;
import org.junit.jupiter.api.Test;

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

    /** Nor by the HTTP server, whether its own WebSockets are off or on: of gateways that other tests start with either. */
    static void assertNoneIsAgreedTo(int port) {
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
