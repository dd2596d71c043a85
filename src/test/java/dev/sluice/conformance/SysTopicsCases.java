package dev.sluice.conformance;

import static dev.sluice.conformance.OptionsIT.port;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The server's own topics: on a gateway that publishes them, and on one that does not, as is the default. */
abstract class SysTopicsCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final String CONNECTED = "$SYS/broker/clients/connected";

    /** Who is counted, of earlier tests. */
    @BeforeEach
    void nobodyIsConnected() {
        await().until(() -> Gateway.metric(port, "sluice_connections_online") == 0);
    }

    private static WireClient online(int port) {
        var client = WireClient.open(port, V5);
        Device.connected(client, Device.connect(V5, Device.id("sys"), true, Properties.NONE));
        return client;
    }

    private static ReasonCode refusal(Will will) {
        try (var client = WireClient.open(port, V5)) {
            return client.connect(Device.connect(V5, Device.id("sys"), will, Properties.NONE))
                    .receive(Packet.ConnAck.class)
                    .reason();
        }
    }

    private static ReasonCode subscribe(WireClient client, String filter) {
        client.sendPackets(new Packet.Subscribe(1, List.of(Peer.to(filter, QoS.AT_MOST_ONCE)), Properties.NONE));
        return client.receive(Packet.SubAck.class).reasons().getFirst();
    }

    private static String value(Packet.Publish publish) {
        return new String(publish.payload(), StandardCharsets.US_ASCII);
    }

    @Test
    void aSubscriberGetsTheFiguresAtOnceAndThenAgain() {
        try (var client = online(port)) {
            assertThat(subscribe(client, CONNECTED)).isEqualTo(ReasonCode.SUCCESS);
            var first = client.receive(Packet.Publish.class);
            assertThat(first.topicName().toString()).isEqualTo(CONNECTED);
            assertThat(first.retain()).isTrue();
            assertThat(value(first)).isEqualTo("1");
            var next = client.receive(Packet.Publish.class);
            assertThat(next.topicName().toString()).isEqualTo(CONNECTED);
            assertThat(next.retain()).isFalse();
        }
    }

    @Test
    void aWildcardBelowItGetsAllFigures() {
        try (var client = online(port)) {
            assertThat(subscribe(client, "$SYS/#")).isEqualTo(ReasonCode.SUCCESS);
            var topics = new HashSet<String>();
            while (topics.size() < 8)
                topics.add(client.receive(Packet.Publish.class).topicName().toString());
            assertThat(topics).contains(CONNECTED, "$SYS/broker/uptime", "$SYS/broker/publish/messages/received");
        }
    }

    @Test
    void nobodyElsePublishesThere() {
        var forged = new Will(TopicName.of(CONNECTED), QoS.AT_MOST_ONCE, true, Properties.NONE, new byte[] {'7'});
        try (var client = online(port)) {
            client.sendPackets(Device.publish(QoS.AT_LEAST_ONCE, 1, CONNECTED, "7"));
            assertThat(client.receive(Packet.PubAck.class).reason()).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            subscribe(client, CONNECTED);
            assertThat(refusal(forged)).isEqualTo(ReasonCode.TOPIC_NAME_INVALID);
            for (int i = 0; i < 3; i++)
                assertThat(value(client.receive(Packet.Publish.class))).isNotEqualTo("7");
        }
    }

    @Test
    void nobodySubscribesWhereTheyAreOff() {
        try (var client = online(Gateway.shared().port())) {
            assertThat(subscribe(client, "$SYS/#")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "$share/g/$SYS/#")).isEqualTo(ReasonCode.NOT_AUTHORIZED);
            assertThat(subscribe(client, "#")).isEqualTo(ReasonCode.SUCCESS);
        }
    }
}
