package dev.sluice.conformance;

import static dev.sluice.conformance.OptionsIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.support.Records;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A trace that a device has begun goes on in Kafka, and in the tracing backend where there is one. */
abstract class TraceCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String TOPIC = "fleet/a/telemetry";
    private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "00-" + TRACE_ID + "-b7ad6b7169203331-01";

    private static final List<byte[]> SPANS = new CopyOnWriteArrayList<>();

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("trace");

    private Records.Record published(int port, Properties properties) {
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, Device.connect(V5, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, new byte[1], properties));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        return Records.of(gateway, "wire.telemetry", clientId, 1).getFirst();
    }

    private static Properties traced(String parent) {
        return Properties.NONE.withUserProperty("traceparent", parent).withUserProperty("tracestate", "vendor=1");
    }

    @Test
    void theContextIsPassedOnWhileTracingIsOff() {
        var record = published(gateway.port(), traced(PARENT));
        assertThat(record.header("traceparent")).isEqualTo(PARENT);
        assertThat(record.header("tracestate")).isEqualTo("vendor=1");
        assertThat(record.header("mqtt-user-traceparent")).isEqualTo(PARENT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331",
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            })
    void aContextThatIsWrongIsAUserPropertyOnly(String parent) {
        var record = published(gateway.port(), traced(parent));
        assertThat(record.headers()).doesNotContainKeys("traceparent", "tracestate");
        assertThat(record.header("mqtt-user-traceparent")).isEqualTo(parent);
    }

    /** On the gateway that sends to a collector. */
    @Test
    void aSpanIsMadeWhereTracingIsOn() {
        var untraced = published(port, Properties.NONE.withUserProperty("a", "b"));
        assertThat(untraced.headers()).doesNotContainKeys("traceparent", "tracestate");
        try (var client = WireClient.open(port, V5)) {
            Device.connected(client, Device.connect(V5, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, TOPIC, new byte[1], traced(PARENT)));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
        }
        var record = Records.of(gateway, "wire.telemetry", clientId, 2).get(1);
        var parent = record.header("traceparent");
        assertThat(parent).matches("00-" + TRACE_ID + "-[0-9a-f]{16}-01").isNotEqualTo(PARENT);
        assertThat(record.header("tracestate")).isEqualTo("vendor=1");
        await().until(() -> !SPANS.isEmpty());
        assertThat(SPANS).singleElement().satisfies(body -> assertThat(text(body))
                .contains("wire.telemetry publish")
                .contains(text(HexFormat.of().parseHex(TRACE_ID)))
                .contains(text(HexFormat.of().parseHex(parent.substring(36, 52))))
                .contains(text(HexFormat.of().parseHex("b7ad6b7169203331")))
                // Nothing else has a span: no upgrade, no query, no channel.
                .doesNotContain("/mqtt")
                .doesNotContain("SELECT"));
    }

    /** Where spans go to, which are {@link #SPANS} from then on. */
    static HttpServer startCollector() {
        try {
            var collector = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            collector.createContext("/", exchange -> {
                SPANS.add(exchange.getRequestBody().readAllBytes());
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            collector.start();
            return collector;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String[] options(HttpServer collector) {
        return new String[] {
            "-Dquarkus.otel.sdk.disabled=false",
            "-Dquarkus.otel.exporter.otlp.protocol=http/protobuf",
            "-Dquarkus.otel.exporter.otlp.endpoint=http://127.0.0.1:"
                    + collector.getAddress().getPort(),
            "-Dquarkus.otel.bsp.schedule.delay=200ms"
        };
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
