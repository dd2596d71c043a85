package dev.sluice.foreign;

import dev.sluice.support.Gateway;
import dev.sluice.support.Programs;
import dev.sluice.support.SideBySide;
import java.util.UUID;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What client libraries of other languages get over WebSocket; their scripts hold what is expected of each message. */
class ScriptedClientsIT {
    private final int port = Gateway.shared().port();

    private static String id(String language) {
        return language + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void mqttJsInNode(String version) {
        Programs.node("node.mjs", "ws://127.0.0.1:" + port + "/mqtt", id("node"), version);
    }

    @ResourceLock(Browser.ONE)
    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void mqttJsInChromium(String version) throws Exception {
        try (var browser = Browser.serving(Programs.mqttJs())) {
            browser.pass("page.html?url=ws://127.0.0.1:" + port + "/mqtt&id=" + id("page") + "&version=" + version);
        }
    }

    @SideBySide
    @ParameterizedTest
    @ValueSource(strings = {"4", "5"})
    void pahoPython(String version) {
        Programs.python("src/test/python/scenario.py", Integer.toString(port), id("python"), version);
    }
}
