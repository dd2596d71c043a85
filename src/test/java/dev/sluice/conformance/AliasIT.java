package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.support.Spec;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AliasIT {
    private static final ProtocolVersion V5 = ProtocolVersion.V5;
    private static final QoS ONE = QoS.AT_LEAST_ONCE;

    private final String topic = "talk/" + Device.id("alias");

    private static Properties maximum(int aliases) {
        return Properties.NONE.with(Property.TOPIC_ALIAS_MAXIMUM, aliases);
    }

    private static long alias(Packet.Publish publish) {
        return publish.properties().number(Property.TOPIC_ALIAS, -1);
    }

    /** The name that a client knows by what it was sent before on this connection. */
    private static String resolved(Packet.Publish publish, Map<Long, String> names, int maximum) {
        var name = publish.topicName().toString();
        var alias = alias(publish);
        if (alias < 0) return name;
        assertThat(alias).isBetween(1L, (long) maximum);
        if (!name.isEmpty()) names.put(alias, name);
        return names.get(alias);
    }

    /** More topics than aliases, each again and again. */
    @Spec({"MQTT-3.1.2-26", "MQTT-3.3.2-8", "MQTT-3.3.2-11"})
    @Test
    void aliasesStandForTheNamesThatTheyWereSentWith() {
        try (var subscriber = Peer.online(V5, maximum(2));
                var publisher = Peer.online(V5)) {
            subscriber.subscribe(ONE, topic + "/#");
            var names = new HashMap<Long, String>();
            var aliased = 0;
            for (int i = 0; i < 20; i++) {
                var name = topic + "/" + i % 4;
                publisher.publish(i % 2 == 0 ? ONE : QoS.AT_MOST_ONCE, name, "x");
                var publish = subscriber.taken();
                assertThat(resolved(publish, names, 2)).isEqualTo(name);
                if (publish.topicName().isEmpty()) aliased++;
            }
            assertThat(aliased).isPositive();
        }
    }

    @Spec("MQTT-3.1.2-27")
    @ParameterizedTest
    @EnumSource
    void whoAllowsNoAliasesGetsNone(ProtocolVersion version) {
        for (var properties :
                version.isV5() ? new Properties[] {Properties.NONE, maximum(0)} : new Properties[] {Properties.NONE}) {
            try (var subscriber = Peer.online(version, properties);
                    var publisher = Peer.online(V5)) {
                subscriber.subscribe(ONE, topic);
                for (int i = 0; i < 5; i++) {
                    publisher.publish(ONE, topic, "x");
                    var publish = subscriber.taken();
                    assertThat(publish.topicName()).hasToString(topic);
                    assertThat(alias(publish)).isEqualTo(-1);
                }
            }
        }
    }

    /** Each connection begins without any, also that of a session that goes on. */
    @Spec("MQTT-3.3.2-7")
    @Test
    void aliasesEndWithTheirConnection() {
        var clientId = Device.id("alias");
        var properties = maximum(2).with(Property.SESSION_EXPIRY_INTERVAL, 60);
        var connect = Device.connect(V5, clientId, false, properties);
        for (int connection = 0; connection < 2; connection++) {
            try (var subscriber = connection == 0 ? Peer.connect(connect) : Peer.resumed(connect);
                    var publisher = Peer.online(V5)) {
                if (connection == 0) subscriber.subscribe(ONE, topic);
                for (int i = 0; i < 4; i++) {
                    publisher.publish(ONE, topic, "x");
                    var publish = subscriber.taken();
                    if (i == 0) assertThat(publish.topicName()).hasToString(topic);
                }
                subscriber.leave();
            }
        }
    }

    @Spec("MQTT-3.3.2-7")
    @Test
    void aClientsAliasesEndWithItsConnection() {
        var clientId = Device.id("alias");
        var alias = Properties.NONE.with(Property.TOPIC_ALIAS, 1);
        try (var client = Device.durable(V5, clientId, false)) {
            client.sendPackets(Device.publish(ONE, 1, topic, new byte[0], alias))
                    .receive(Packet.PubAck.class);
        }
        try (var client = Device.durable(V5, clientId, true)) {
            client.sendPackets(Device.publish(ONE, 2, "", new byte[0], alias));
            Device.assertEnded(client, V5, ReasonCode.PROTOCOL_ERROR);
        }
    }

    /** The alias is the publisher's own; a subscriber gets the name. */
    @Spec("MQTT-3.3.2-12")
    @Test
    void everyAliasUpToTheMaximumIsAccepted() {
        try (var subscriber = Peer.online(V5);
                var publisher = Device.online(V5, Device.id("alias"))) {
            subscriber.subscribe(ONE, topic + "/+");
            for (int round = 0; round < 2; round++) {
                for (int alias = 1; alias <= 5; alias++) {
                    var properties = Properties.NONE.with(Property.TOPIC_ALIAS, alias);
                    var name = round == 0 ? topic + "/" + alias : "";
                    publisher
                            .sendPackets(Device.publish(ONE, alias, name, new byte[0], properties))
                            .receive(Packet.PubAck.class);
                    assertThat(subscriber.taken().topicName()).hasToString(topic + "/" + alias);
                }
            }
        }
    }
}
