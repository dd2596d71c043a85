package dev.sluice.packet;

import dev.sluice.topic.TopicName;

/**
 * An application message on its way to subscribers, the same for all of them. Immutable; the payload is not copied.
 *
 * @param qos that of the PUBLISH; a subscriber gets it at no more than the QoS of its subscription
 * @param retain the RETAIN flag of the PUBLISH
 * @param properties those that a server forwards unaltered [MQTT-3.3.2-4] and following: no alias, no expiry, no identifiers
 * @param expiresAt milliseconds since 1970, {@link #NEVER} without a Message Expiry Interval
 */
public record Message(
        TopicName topicName, QoS qos, boolean retain, Properties properties, byte[] payload, long expiresAt) {

    public static final long NEVER = Long.MAX_VALUE;

    /** The message of a PUBLISH whose alias is resolved, received at this time (milliseconds since 1970). */
    public static Message of(Packet.Publish publish, long receivedAt) {
        return of(
                publish.topicName(),
                publish.qos(),
                publish.retain(),
                publish.properties(),
                publish.payload(),
                receivedAt);
    }

    /** The message of a Will that is published at this time (milliseconds since 1970) [MQTT-3.1.2-8]. */
    public static Message of(Will will, long publishedAt) {
        return of(will.topicName(), will.qos(), will.retain(), will.properties(), will.payload(), publishedAt);
    }

    private static Message of(
            TopicName topicName, QoS qos, boolean retain, Properties properties, byte[] payload, long at) {
        if (properties.isEmpty()) return new Message(topicName, qos, retain, properties, payload, NEVER);
        var expiry = properties.number(Property.MESSAGE_EXPIRY_INTERVAL, -1);
        var forwarded = properties
                .without(Property.MESSAGE_EXPIRY_INTERVAL)
                .without(Property.TOPIC_ALIAS)
                .without(Property.WILL_DELAY_INTERVAL);
        return new Message(topicName, qos, retain, forwarded, payload, expiry < 0 ? NEVER : at + expiry * 1000);
    }

    /** The same message with the RETAIN flag off. */
    public Message unretained() {
        return new Message(topicName, qos, false, properties, payload, expiresAt);
    }

    public boolean isExpired(long now) {
        return expiresAt <= now;
    }

    /** Returns its weight in bytes, for all bounds: topic, payload, properties and the objects around them. */
    public int bytes() {
        return topicName.utf8().length + payload.length + 64 + properties.bytes();
    }
}
