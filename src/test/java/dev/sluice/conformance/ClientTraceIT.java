package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The trace of one client, switched on and off at the packaged gateway while it runs. */
class ClientTraceIT {
    private static final String TRACES = "/admin/traces";
    private static final String SECRET = "nobodys-business";

    private final Gateway gateway = Gateway.shared();
    /** Lines of the log that are of other tests. */
    private final int begin = gateway.log().size();

    @Test
    void tracesOneClientUntilItIsTold() {
        var traced = Device.id("traced");
        var query = TRACES + "?client=" + traced;
        publish(traced);
        assertThat(traces()).isEmpty();
        var started = send("PUT", query + "&minutes=5", "X-Sluice-Actor", "operator at night");
        assertThat(started.statusCode()).as(started.body()).isEqualTo(200);
        assertThat(started.body()).contains("\"clientId\":\"" + traced + "\"", "\"until\":\"20");
        assertThat(gateway.get(TRACES).body()).contains(traced);

        publish(traced);
        publish(Device.id("other"));
        await().untilAsserted(() -> assertThat(traces()).anyMatch(line -> line.contains("the socket has closed")));
        assertThat(traces())
                .allMatch(line -> line.contains(traced) && !line.contains(SECRET))
                .anyMatch(line -> line.contains(" < received CONNECT V5 "))
                .anyMatch(line -> line.contains(" > send CONNACK SUCCESS"))
                .anyMatch(line -> line.contains(" > forward to Kafka PUBLISH talk/x qos=1 id=1 payload=16 bytes"))
                .anyMatch(line -> line.contains(" < Kafka has answered, id=1 "))
                .anyMatch(line -> line.contains(" > send PUBACK id=1 "));

        var before = traces().size();
        assertThat(send("DELETE", query).statusCode()).isEqualTo(204);
        assertThat(send("DELETE", query).statusCode()).isEqualTo(404);
        publish(traced);
        assertThat(traces()).hasSize(before);
        assertThat(log())
                .anyMatch(line -> line.contains("client " + traced + " is traced until 20")
                        && line.endsWith(", by operator at night"));
    }

    @Test
    void refusesWhatItDoesNotUnderstand() {
        assertThat(send("PUT", TRACES).body()).contains("client=<client identifier>");
        for (var minutes : List.of("0", "1441", "soon", "99999999999"))
            assertThat(send("PUT", TRACES + "?client=a&minutes=" + minutes))
                    .satisfies(answer -> assertThat(answer.statusCode()).isEqualTo(400))
                    .satisfies(answer -> assertThat(answer.body()).contains("from 1 to 1440"));
        assertThat(gateway.get(TRACES).body()).isEqualTo("[]");
    }

    private HttpResponse<String> send(String method, String path, String... headers) {
        return Gateway.send(gateway.port(), method, path, null, headers);
    }

    private void publish(String clientId) {
        try (var client = WireClient.open(gateway.port(), ProtocolVersion.V5)) {
            Device.connected(client, Device.connect(ProtocolVersion.V5, clientId, true, Properties.NONE));
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "talk/x", SECRET));
            client.receive(Packet.PubAck.class);
        }
    }

    private List<String> traces() {
        return log().stream().filter(line -> line.contains(" TRACE ")).toList();
    }

    private List<String> log() {
        return gateway.log().stream().skip(begin).toList();
    }
}
