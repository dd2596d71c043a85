package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A client that subscribes and publishes; PUBLISHes that come while it waits for something else keep their order. Used by one thread. */
final class Peer implements AutoCloseable {
    /** How many messages the shared gateway, and one like it, takes before it has answered the first. */
    private static final int RECEIVE_MAXIMUM = 20;

    private final WireClient wire;
    private final ArrayDeque<Packet.Publish> early = new ArrayDeque<>();
    private int lastPacketId;

    private Peer(WireClient wire) {
        this.wire = wire;
    }

    /** A client whose session ends with its connection. */
    static Peer online(ProtocolVersion version) {
        return online(version, Properties.NONE);
    }

    static Peer online(ProtocolVersion version, Properties properties) {
        return connect(Device.connect(version, Device.id("peer"), true, properties));
    }

    /** A client whose session is new and outlives its connection, for an hour. */
    static Peer durable(ProtocolVersion version, String clientId) {
        return new Peer(Device.durable(version, clientId, false));
    }

    /** The same client again; MQTT 3.1 cannot tell it that its session is present. */
    static Peer resumed(ProtocolVersion version, String clientId) {
        return new Peer(Device.durable(version, clientId, version != ProtocolVersion.V3_1));
    }

    /** The same client again, with properties of its own. */
    static Peer resumed(Packet.Connect connect) {
        var wire = Device.socket(connect.version());
        assertThat(Device.connected(wire, connect)).isTrue();
        return new Peer(wire);
    }

    /** A client whose session is new. */
    static Peer connect(Packet.Connect connect) {
        var wire = Device.socket(connect.version());
        assertThat(Device.connected(wire, connect)).isFalse();
        return new Peer(wire);
    }

    /** A client of another gateway. */
    static Peer at(int port, Packet.Connect connect, boolean expectPresent) {
        var wire = WireClient.open(port, connect.version());
        assertThat(Device.connected(wire, connect)).isEqualTo(expectPresent);
        return new Peer(wire);
    }

    /** A client that is connected already. */
    static Peer of(WireClient wire) {
        return new Peer(wire);
    }

    WireClient wire() {
        return wire;
    }

    int nextPacketId() {
        return ++lastPacketId;
    }

    static Subscription to(String filter, QoS qos) {
        return new Subscription(filter, qos, false, false, 0);
    }

    /** Subscribes, and asserts that it gets what it asks for. */
    Peer subscribe(QoS qos, String... filters) {
        return subscribe(
                Properties.NONE,
                Arrays.stream(filters).map(filter -> to(filter, qos)).toArray(Subscription[]::new));
    }

    /** Subscribes to one filter under a Subscription Identifier. */
    Peer subscribe(int identifier, Subscription subscription) {
        return subscribe(Properties.NONE.withSubscriptionIdentifiers(List.of(identifier)), subscription);
    }

    Peer subscribe(Subscription... subscriptions) {
        return subscribe(Properties.NONE, subscriptions);
    }

    private Peer subscribe(Properties properties, Subscription... subscriptions) {
        assertThat(asked(properties, subscriptions))
                .extracting(ReasonCode::value)
                .containsExactlyElementsOf(Stream.of(subscriptions)
                        .map(subscription -> subscription.maximumQoS().ordinal())
                        .toList());
        return this;
    }

    /** Subscribes and returns the reasons of the SUBACK. */
    List<ReasonCode> asked(Subscription... subscriptions) {
        return asked(Properties.NONE, subscriptions);
    }

    private List<ReasonCode> asked(Properties properties, Subscription... subscriptions) {
        var packetId = nextPacketId();
        wire.sendPackets(new Packet.Subscribe(packetId, List.of(subscriptions), properties));
        var answer = await(Packet.SubAck.class);
        assertThat(answer.packetId()).isEqualTo(packetId);
        return answer.reasons();
    }

    /** Unsubscribes and returns the reasons of the UNSUBACK, none in MQTT 3. */
    List<ReasonCode> unsubscribe(String... filters) {
        var packetId = nextPacketId();
        wire.sendPackets(new Packet.Unsubscribe(packetId, List.of(filters), Properties.NONE));
        var answer = await(Packet.UnsubAck.class);
        assertThat(answer.packetId()).isEqualTo(packetId);
        return answer.reasons();
    }

    /** Publishes as far as the acknowledgement, PUBCOMP at QoS 2; at QoS 0 until the gateway has taken it. */
    Peer publish(QoS qos, String topic, String text) {
        return publish(qos, false, topic, text, Properties.NONE);
    }

    Peer publish(QoS qos, String topic, String text, Properties properties) {
        return publish(qos, false, topic, text, properties);
    }

    Peer retain(QoS qos, String topic, String text) {
        return publish(qos, true, topic, text, Properties.NONE);
    }

    Peer retain(QoS qos, String topic, String text, Properties properties) {
        return publish(qos, true, topic, text, properties);
    }

    private Peer publish(QoS qos, boolean retain, String topic, String text, Properties properties) {
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : nextPacketId();
        var payload = text.getBytes(StandardCharsets.UTF_8);
        wire.sendPackets(new Packet.Publish(false, qos, retain, TopicName.of(topic), packetId, properties, payload));
        awaitAcceptance(qos, packetId, packetId);
        return this;
    }

    private void awaitAcceptance(QoS qos, int first, int last) {
        switch (qos) {
            case AT_MOST_ONCE -> {
                wire.sendPackets(new Packet.PingReq());
                await(Packet.PingResp.class);
            }
            case AT_LEAST_ONCE -> {
                for (int packetId = first; packetId <= last; packetId++) {
                    var answer = await(Packet.PubAck.class);
                    assertAccepted(packetId, answer.packetId(), answer.reason());
                }
            }
            case EXACTLY_ONCE -> {
                for (int packetId = first; packetId <= last; packetId++) {
                    var answer = await(Packet.PubRec.class);
                    assertAccepted(packetId, answer.packetId(), answer.reason());
                }
                for (int packetId = first; packetId <= last; packetId++) wire.sendPackets(new Packet.PubRel(packetId));
                for (int packetId = first; packetId <= last; packetId++)
                    assertThat(await(Packet.PubComp.class)).isEqualTo(new Packet.PubComp(packetId));
            }
        }
    }

    /** Retains the same on all of these topics, so many messages at a time as the shared gateway takes. */
    Peer retainAll(QoS qos, List<String> topics, String text) {
        for (int from = 0; from < topics.size(); from += RECEIVE_MAXIMUM)
            retainTogether(qos, topics.subList(from, Math.min(from + RECEIVE_MAXIMUM, topics.size())), text);
        return this;
    }

    private void retainTogether(QoS qos, List<String> topics, String text) {
        var first = lastPacketId + 1;
        var payload = text.getBytes(StandardCharsets.UTF_8);
        for (var topic : topics) {
            var packetId = qos == QoS.AT_MOST_ONCE ? 0 : nextPacketId();
            wire.sendPackets(
                    new Packet.Publish(false, qos, true, TopicName.of(topic), packetId, Properties.NONE, payload));
        }
        awaitAcceptance(qos, first, lastPacketId);
    }

    private static void assertAccepted(int packetId, int answered, ReasonCode reason) {
        assertThat(answered).isEqualTo(packetId);
        assertThat(reason.isError()).as(reason.name()).isFalse();
    }

    /** The next packet that is not a PUBLISH. */
    <P extends Packet> P await(Class<P> type) {
        while (true) {
            var packet = wire.receive();
            if (type.isInstance(packet)) return type.cast(packet);
            if (!(packet instanceof Packet.Publish publish))
                throw new AssertionError("not a " + type.getSimpleName() + ": " + packet);
            early.add(publish);
        }
    }

    /** The next PUBLISH, not answered. */
    Packet.Publish delivered() {
        return early.isEmpty() ? wire.receive(Packet.Publish.class) : early.poll();
    }

    /** The next PUBLISH, answered as its QoS asks. */
    Packet.Publish taken() {
        var publish = delivered();
        answer(publish);
        return publish;
    }

    /** The payload of the next PUBLISH, which is answered. */
    String text() {
        return text(taken());
    }

    static String text(Packet.Publish publish) {
        return new String(publish.payload(), StandardCharsets.UTF_8);
    }

    void answer(Packet.Publish publish) {
        var packetId = publish.packetId();
        switch (publish.qos()) {
            case AT_MOST_ONCE -> {}
            case AT_LEAST_ONCE -> wire.sendPackets(new Packet.PubAck(packetId));
            case EXACTLY_ONCE -> {
                wire.sendPackets(new Packet.PubRec(packetId));
                assertThat(await(Packet.PubRel.class)).isEqualTo(new Packet.PubRel(packetId));
                wire.sendPackets(new Packet.PubComp(packetId));
            }
        }
    }

    /** Asserts that nothing was sent but what has been looked at: the answer to a ping is next. */
    void assertNothingMore() {
        assertThat(early).isEmpty();
        wire.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
    }

    /** Ends the connection with DISCONNECT. */
    void leave() {
        wire.sendPackets(Device.goodbye());
        assertThat(wire.closeStatus()).isEqualTo(1000);
        close();
    }

    @Override
    public void close() {
        wire.close();
    }
}
