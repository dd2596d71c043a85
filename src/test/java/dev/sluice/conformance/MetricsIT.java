package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import org.junit.jupiter.api.Test;

class MetricsIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;

    private final Gateway gateway = Gateway.shared();
    private final String clientId = Device.id("metrics");

    private double packets(String type, String direction) {
        return gateway.metric("sluice_packets_total", "type=\"" + type + "\"", "direction=\"" + direction + "\"");
    }

    private double disconnects(String reason) {
        return gateway.metric("sluice_disconnects_total", "reason=\"" + reason + "\"");
    }

    @Test
    void packetsAreCountedByTypeAndDirection() {
        try (var client = Device.online(V5, clientId)) {
            var publishes = packets("publish", "received");
            var acks = packets("puback", "sent");
            var pings = packets("pingreq", "received");
            for (int id = 1; id <= 3; id++) {
                client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, id, "fleet/a/telemetry", "m"));
                client.receive(Packet.PubAck.class);
            }
            client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
            assertThat(packets("publish", "received")).isEqualTo(publishes + 3);
            assertThat(packets("puback", "sent")).isEqualTo(acks + 3);
            assertThat(packets("pingreq", "received")).isEqualTo(pings + 1);
        }
    }

    @Test
    void connectionsAreCountedWhileTheyLast() {
        try (var first = Device.online(V5, clientId);
                var second = Device.online(V5, clientId + "b")) {
            await().untilAsserted(() ->
                    assertThat(gateway.metric("sluice_connections_online")).isGreaterThanOrEqualTo(2));
            assertThat(gateway.metric("sluice_connections")).isGreaterThanOrEqualTo(2);
            first.sendPackets(Device.goodbye()).closeStatus();
            second.sendPackets(Device.goodbye()).closeStatus();
        }
        await().until(() -> gateway.metric("sluice_connections_online") == 0);
        await().until(() -> gateway.metric("sluice_connections") == 0);
    }

    @Test
    void disconnectsAreCountedByReason() {
        var normal = disconnects("success");
        var errors = disconnects("protocol_error");
        var lost = disconnects("unspecified_error");
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(Device.goodbye()).closeStatus();
        }
        try (var client = Device.online(V5, clientId)) {
            client.connect(Device.connect(V5, clientId, true, dev.sluice.packet.Properties.NONE));
            Device.assertEnded(client, V5, ReasonCode.PROTOCOL_ERROR);
        }
        Device.online(V5, clientId).close();
        await().until(() -> disconnects("success") == normal + 1);
        await().until(() -> disconnects("protocol_error") == errors + 1);
        await().until(() -> disconnects("unspecified_error") >= lost + 1);
    }

    @Test
    void aBadFrameIsCountedAsWhatItIs() {
        var malformed = disconnects("protocol_error");
        try (var client = Device.online(V5, clientId)) {
            client.send(Frames.unmasked(Frames.BINARY, new byte[1])).closeStatus();
        }
        await().until(() -> disconnects("protocol_error") == malformed + 1);
    }

    @Test
    void theUplinkIsMeasured() {
        var latencies = gateway.metric("sluice_uplink_latency_seconds_count");
        try (var client = Device.online(V5, clientId)) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, "fleet/a/telemetry", "m"))
                    .receive(Packet.PubAck.class);
        }
        assertThat(gateway.metric("sluice_uplink_latency_seconds_count")).isEqualTo(latencies + 1);
        assertThat(gateway.get("/q/metrics").body()).contains("sluice_uplink_latency_seconds_bucket{");
        assertThat(gateway.get("/q/metrics").body()).contains("sluice_uplink_bytes_in_flight");
        assertThat(gateway.metric("sluice_uplink_bytes_in_flight_bytes")
                        + gateway.metric("sluice_uplink_bytes_in_flight"))
                .isZero();
    }

    @Test
    void theJournalIsMeasured() {
        var batches = gateway.metric("sluice_journal_batch_count");
        try (var client = Device.durable(V5, clientId, false)) {
            client.sendPackets(Device.publish(QoS.EXACTLY_ONCE, 1, "fleet/a/telemetry", "m"))
                    .receive(Packet.PubRec.class);
        }
        await().until(() -> gateway.metric("sluice_journal_batch_count") > batches);
    }
}
