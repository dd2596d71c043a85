package dev.sluice.codec;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/** Owns a source of correct packets of one version from one side, repeatable by the seed of its generator. One thread. */
final class RandomPackets {
    private static final QoS[] LEVELS = QoS.values();
    private static final Set<ReasonCode> V3_RETURN_CODES = Set.of(
            ReasonCode.SUCCESS,
            ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
            ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
            ReasonCode.SERVER_UNAVAILABLE,
            ReasonCode.BAD_USER_NAME_OR_PASSWORD,
            ReasonCode.NOT_AUTHORIZED);

    private final RandomGenerator random;
    private final ProtocolVersion version;
    private final boolean fromClient;
    private final RandomProperties properties;
    private final List<Supplier<Packet>> kinds;

    RandomPackets(RandomGenerator random, ProtocolVersion version, boolean fromClient) {
        this.random = random;
        this.version = version;
        this.fromClient = fromClient;
        this.properties = new RandomProperties(random, version, fromClient);
        this.kinds = Stream.<Supplier<Packet>>of(
                        this::connect,
                        this::connAck,
                        this::publish,
                        () -> new Packet.PubAck(id(), ack(AllowedReasons.PUBLISH_ANSWER), in(PropertyPlace.ANSWER)),
                        () -> new Packet.PubRec(id(), ack(AllowedReasons.PUBLISH_ANSWER), in(PropertyPlace.ANSWER)),
                        () -> new Packet.PubRel(id(), ack(AllowedReasons.RELEASE), in(PropertyPlace.ANSWER)),
                        () -> new Packet.PubComp(id(), ack(AllowedReasons.RELEASE), in(PropertyPlace.ANSWER)),
                        () -> new Packet.Subscribe(id(), some(this::subscription), in(PropertyPlace.SUBSCRIBE)),
                        this::subAck,
                        () -> new Packet.Unsubscribe(id(), some(this::filter), in(PropertyPlace.UNSUBSCRIBE)),
                        this::unsubAck,
                        Packet.PingReq::new,
                        Packet.PingResp::new,
                        this::disconnect,
                        this::auth)
                .limit(version.isV5() ? 15 : 14)
                .toList();
    }

    /** How many kinds of packets the version has. */
    int kinds() {
        return kinds.size();
    }

    Packet ofKind(int kind) {
        return kinds.get(kind).get();
    }

    Packet next() {
        return ofKind(random.nextInt(kinds.size()));
    }

    private Packet connect() {
        var username = random.nextBoolean() ? properties.text() : null;
        var password = (username != null || version.isV5()) && random.nextBoolean() ? properties.bytes(30) : null;
        var will = random.nextBoolean() ? will() : null;
        var clientId = version == ProtocolVersion.V3_1 ? "c" + random.nextInt(1_000_000) : properties.text();
        var connectProperties = in(PropertyPlace.CONNECT);
        return new Packet.Connect(
                version,
                random.nextBoolean(),
                random.nextInt(0x1_0000),
                clientId,
                will,
                username,
                password,
                connectProperties);
    }

    private Will will() {
        return new Will(topicName(), qos(), random.nextBoolean(), in(PropertyPlace.WILL), properties.bytes(100));
    }

    private Packet connAck() {
        var reason = oneOf(version.isV5() ? AllowedReasons.CONNACK.reasons() : V3_RETURN_CODES);
        var mayBePresent = reason == ReasonCode.SUCCESS && version != ProtocolVersion.V3_1;
        return new Packet.ConnAck(mayBePresent && random.nextBoolean(), reason, in(PropertyPlace.CONNACK));
    }

    private Packet publish() {
        var qos = qos();
        var isAcknowledged = qos != QoS.AT_MOST_ONCE;
        var publishProperties = in(PropertyPlace.PUBLISH);
        var byAlias = publishProperties.has(Property.TOPIC_ALIAS) && random.nextBoolean();
        return new Packet.Publish(
                isAcknowledged && random.nextBoolean(),
                qos,
                random.nextBoolean(),
                byAlias ? TopicName.EMPTY : topicName(),
                isAcknowledged ? id() : 0,
                publishProperties,
                properties.bytes(properties.oneIn(10) ? 20_000 : 200));
    }

    private Packet subAck() {
        var allowed = version.isV5() ? AllowedReasons.SUBACK : AllowedReasons.SUBACK_V3;
        return new Packet.SubAck(id(), some(() -> oneOf(allowed.reasons())), in(PropertyPlace.ANSWER));
    }

    private Packet unsubAck() {
        if (!version.isV5()) return new Packet.UnsubAck(id(), List.of(), Properties.NONE);
        return new Packet.UnsubAck(
                id(), some(() -> oneOf(AllowedReasons.UNSUBACK.reasons())), in(PropertyPlace.ANSWER));
    }

    private Packet disconnect() {
        if (!version.isV5()) return new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE);
        var allowed = fromClient ? AllowedReasons.DISCONNECT_BY_CLIENT : AllowedReasons.DISCONNECT_BY_SERVER;
        return new Packet.Disconnect(oneOf(allowed.reasons()), in(PropertyPlace.DISCONNECT));
    }

    private Packet auth() {
        var allowed = fromClient ? AllowedReasons.AUTH_BY_CLIENT : AllowedReasons.AUTH_BY_SERVER;
        var method = properties.text();
        return new Packet.Auth(
                oneOf(allowed.reasons()), in(PropertyPlace.AUTH).with(Property.AUTHENTICATION_METHOD, method));
    }

    private Subscription subscription() {
        var v5 = version.isV5();
        var filter = filter();
        var noLocal = v5 && !filter.startsWith("$share/") && random.nextBoolean();
        return new Subscription(filter, qos(), noLocal, v5 && random.nextBoolean(), v5 ? random.nextInt(3) : 0);
    }

    private String filter() {
        var known = List.of("#", "+", "a/+/#", "$share/g/a/#");
        return random.nextBoolean() ? properties.topicName() : known.get(random.nextInt(known.size()));
    }

    private ReasonCode ack(AllowedReasons allowed) {
        return version.isV5() && random.nextBoolean() ? oneOf(allowed.reasons()) : ReasonCode.SUCCESS;
    }

    private TopicName topicName() {
        return TopicName.of(properties.oneIn(2) ? "device/" + random.nextInt(6) : properties.topicName());
    }

    private QoS qos() {
        return LEVELS[random.nextInt(LEVELS.length)];
    }

    private int id() {
        return random.nextInt(1, 0x1_0000);
    }

    private Properties in(PropertyPlace place) {
        return properties.in(place);
    }

    private <T> List<T> some(Supplier<T> source) {
        var list = new ArrayList<T>();
        do list.add(source.get());
        while (random.nextBoolean());
        return list;
    }

    /** Sorted, because the order of a set is not repeatable. */
    private <T extends Comparable<T>> T oneOf(Set<T> set) {
        return set.stream().sorted().toList().get(random.nextInt(set.size()));
    }
}
