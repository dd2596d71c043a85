package dev.sluice.conformance;

import static dev.sluice.conformance.UnmatchedDeadLetterIT.database;
import static dev.sluice.conformance.UnmatchedDeadLetterIT.gateway;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Gateway;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A gateway that is killed while it sends retained messages, and the next one, which may retain no more of them. */
abstract class RetainedRestartCases {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS TWO = QoS.EXACTLY_ONCE;
    private static final int MANY = 300;

    private final String topic = "talk/" + Device.id("retained");
    private final int first = UnmatchedDeadLetterIT.port;
    private int port;

    @Test
    void theNextGatewayGoesOnAndKeepsTheBound() {
        var got = new ArrayList<String>();
        var connect = Device.connect(
                V5, Device.id("subscriber"), false, Device.expiry(600).with(Property.RECEIVE_MAXIMUM, 10L));
        try (var publisher = Peer.at(first, Device.connect(V5, Device.id("p"), true, Properties.NONE), false)) {
            var topics = IntStream.range(0, MANY).mapToObj(n -> topic + "/" + n);
            publisher.retainAll(QoS.AT_LEAST_ONCE, topics.toList(), "old");
            publisher.retain(TWO, topic + "/qos2", "old");
        }
        var subscriber = Peer.at(first, connect, false).subscribe(TWO, topic + "/#");
        for (int i = 0; i < 5; i++) got.add(subscriber.taken().topicName().toString());
        gateway.process().kill();
        try (var next =
                Gateway.shared().startAnother(used -> port = used, database, "-Dsluice.mqtt.retained-maximum=1")) {
            assertThat(next).isNotNull();
            try (var again = Peer.at(port, connect, true)) {
                // What was not answered comes once more, with DUP.
                while (got.stream().distinct().count() < MANY + 1) {
                    var publish = again.taken();
                    if (!publish.dup())
                        assertThat(got).doesNotContain(publish.topicName().toString());
                    got.add(publish.topicName().toString());
                }
            }
            assertBound();
        }
    }

    private void assertBound() {
        try (var publisher = Peer.at(port, Device.connect(V5, Device.id("p"), true, Properties.NONE), false);
                var subscriber = Peer.at(port, Device.connect(V5, Device.id("s"), true, Properties.NONE), false)) {
            subscriber.subscribe(QoS.AT_LEAST_ONCE, topic + "/new", topic + "/0");
            assertThat(subscriber.text()).isEqualTo("old");
            publisher.wire().sendPackets(retained(0, topic + "/new"), retained(1, topic + "/new"));
            var refused = publisher.await(Packet.PubAck.class);
            assertThat(refused.reason()).isEqualTo(ReasonCode.QUOTA_EXCEEDED);
            // One that is there may be changed, and cleared; without RETAIN nothing is bounded. Nobody got the others.
            publisher.retain(QoS.AT_LEAST_ONCE, topic + "/0", "changed").retain(QoS.AT_LEAST_ONCE, topic + "/0", "");
            publisher.publish(QoS.AT_LEAST_ONCE, topic + "/new", "live");
            assertThat(List.of(subscriber.text(), subscriber.text(), subscriber.text()))
                    .containsExactly("changed", "", "live");
        }
        assertThat(Gateway.get(port, "/q/metrics").body()).contains("sluice_retained_refused_total 2.0");
    }

    private static Packet.Publish retained(int qos, String topic) {
        return new Packet.Publish(
                false, QoS.of(qos), true, TopicName.of(topic), qos, Properties.NONE, new byte[] {'x'});
    }
}
