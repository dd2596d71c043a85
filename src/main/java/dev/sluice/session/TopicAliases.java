package dev.sluice.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;

/** The topic aliases that a client has set on this connection; confined to its event loop [MQTT-3.3.2-7]. */
final class TopicAliases {
    private final int maximum;
    private final int mostBytes;
    private TopicName[] names;
    private int bytes;
    /** The last properties if they are small, and what is left of them: a device repeats them. */
    private Properties aliased = Properties.NONE;

    private Properties unaliased = Properties.NONE;

    /** @param mostBytes of the Topic Names that they stand for */
    TopicAliases(int maximum, int mostBytes) {
        this.maximum = maximum;
        this.mostBytes = mostBytes;
    }

    /** The PUBLISH under its full Topic Name and without alias: an alias means nothing outside this connection. */
    Packet.Publish resolve(Packet.Publish publish) {
        if (publish.properties().isEmpty()) return publish;
        var alias = (int) publish.properties().number(Property.TOPIC_ALIAS, 0);
        if (alias == 0) return publish;
        if (alias > maximum)
            throw new MqttFault(
                    ReasonCode.TOPIC_ALIAS_INVALID, "topic alias " + alias + " is above the maximum of " + maximum);
        if (names == null) names = new TopicName[maximum];
        var name = publish.topicName();
        if (name.isEmpty()) {
            name = names[alias - 1];
            if (name == null)
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "topic alias " + alias + " has not been set");
        } else {
            set(alias, name);
        }
        return new Packet.Publish(
                publish.dup(),
                publish.qos(),
                publish.retain(),
                name,
                publish.packetId(),
                unaliased(publish.properties()),
                publish.payload());
    }

    private void set(int alias, TopicName name) {
        var before = names[alias - 1];
        bytes += name.utf8().length - (before == null ? 0 : before.utf8().length);
        names[alias - 1] = name;
        if (bytes > mostBytes)
            throw InputBounds.fault(
                    ReasonCode.QUOTA_EXCEEDED,
                    InputBounds.TOPIC_ALIAS_BYTES,
                    "topic aliases stand for more than " + mostBytes + " bytes of topics");
    }

    private Properties unaliased(Properties properties) {
        if (!properties.areSmall()) return properties.without(Property.TOPIC_ALIAS);
        if (properties != aliased) {
            aliased = properties;
            unaliased = properties.without(Property.TOPIC_ALIAS);
        }
        return unaliased;
    }
}
