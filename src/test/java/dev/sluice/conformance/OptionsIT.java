package dev.sluice.conformance;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.support.Gateway;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What is off or otherwise on the shared gateway: on another one, with a database of its own, on which all of it is on at once. */
class OptionsIT {
    static int port;
    static Path log;
    private static GatewayProcess gateway;
    private static HttpServer collector;

    @BeforeAll
    static void start() {
        collector = TraceCases.startCollector();
        var options = Stream.of(
                        List.of(
                                Gateway.shared().databaseOfItsOwn(),
                                "-Dvertx.disableWebsockets=false",
                                "-Dsluice.mqtt.sys-interval=1s",
                                "-Dsluice.uplink.unmatched=drop"),
                        List.of(ProducerPropertiesCases.OPTIONS),
                        List.of(TraceCases.options(collector)))
                .flatMap(List::stream);
        gateway = Gateway.shared().startAnother(used -> port = used, options.toArray(String[]::new));
        log = gateway.log();
    }

    @AfterAll
    static void stop() {
        gateway.close();
        collector.stop(0);
    }

    @Test
    void noExtensionIsAgreedToWhereVertxHasWebSockets() {
        ExtensionsIT.assertNoneIsAgreedTo(port);
    }

    @Nested
    class SysTopics extends SysTopicsCases {}

    @Nested
    class Unmatched extends UnmatchedCases {}

    @Nested
    class ProducerProperties extends ProducerPropertiesCases {}

    @Nested
    class Traces extends TraceCases {}
}
