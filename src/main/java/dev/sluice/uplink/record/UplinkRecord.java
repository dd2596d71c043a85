package dev.sluice.uplink.record;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.HeaderNames;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Makes the Kafka record of a PUBLISH: the payload untouched, what MQTT says about it in headers. Stateless. */
public final class UplinkRecord {
    private static final Header[] QOS_HEADERS = {
        header(HeaderNames.QOS, "0"), header(HeaderNames.QOS, "1"), header(HeaderNames.QOS, "2")
    };
    private static final Header RETAIN = header(HeaderNames.RETAIN, "1");

    private UplinkRecord() {}

    /** Returns the headers that are the same for every PUBLISH of a client to a Topic Name, unless the route asks for CloudEvents. */
    static List<Header> leading(TopicName topicName, Header clientId) {
        return List.of(new RecordHeader(HeaderNames.TOPIC, topicName.utf8()), clientId);
    }

    /**
     * @param receivedAt time of receipt, milliseconds since 1970
     * @param messageId null at QoS 0
     * @param partition null where Kafka chooses
     */
    public static ProducerRecord<byte[], byte[]> of(
            Target target, Packet.Publish publish, long receivedAt, byte[] messageId, byte[] seq, Integer partition) {
        var record = new ProducerRecord<>(target.kafkaTopic(), partition, receivedAt, target.key(), publish.payload());
        var headers = record.headers();
        addAll(headers, target.leading());
        if (target.isCloudEvent()) CloudEvents.add(headers, publish, receivedAt, messageId, seq);
        else add(headers, publish, receivedAt, messageId, seq);
        if (!publish.properties().isEmpty())
            addAll(headers, target.ofProperties().of(publish.properties()));
        addAll(headers, target.trailing());
        return record;
    }

    private static void addAll(Headers headers, List<Header> some) {
        for (int i = 0; i < some.size(); i++) headers.add(some.get(i));
    }

    private static void add(Headers headers, Packet.Publish publish, long receivedAt, byte[] messageId, byte[] seq) {
        headers.add(QOS_HEADERS[publish.qos().ordinal()]);
        if (publish.qos() != QoS.AT_MOST_ONCE) headers.add(new RecordHeader(HeaderNames.MESSAGE_ID, messageId));
        headers.add(new RecordHeader(HeaderNames.SEQ, seq));
        if (publish.retain()) headers.add(RETAIN);
        var expiresAt = expiresAt(publish.properties(), receivedAt);
        if (expiresAt != 0) headers.add(header(HeaderNames.EXPIRES_AT, "" + expiresAt));
    }

    /** The end of the Message Expiry Interval, milliseconds since 1970; 0 where there is none. */
    static long expiresAt(Properties properties, long receivedAt) {
        var seconds = properties.number(Property.MESSAGE_EXPIRY_INTERVAL, -1);
        return seconds < 0 ? 0 : receivedAt + seconds * 1000;
    }

    static List<Header> ofProperties(Properties properties) {
        var headers = new ArrayList<Header>();
        addText(headers, HeaderNames.CONTENT_TYPE, properties.text(Property.CONTENT_TYPE));
        addText(headers, HeaderNames.RESPONSE_TOPIC, properties.text(Property.RESPONSE_TOPIC));
        var correlation = properties.binary(Property.CORRELATION_DATA);
        if (correlation != null) headers.add(new RecordHeader(HeaderNames.CORRELATION_DATA, correlation));
        if (properties.has(Property.PAYLOAD_FORMAT_INDICATOR))
            addText(headers, HeaderNames.PAYLOAD_FORMAT, "" + properties.number(Property.PAYLOAD_FORMAT_INDICATOR, 0));
        addUserProperties(headers, properties);
        return headers;
    }

    static void addUserProperties(List<Header> headers, Properties properties) {
        for (var property : properties.userProperties())
            addText(headers, HeaderNames.USER_PREFIX + property.name(), property.value());
    }

    static void addText(List<Header> headers, String name, String value) {
        if (value != null) headers.add(header(name, value));
    }

    public static Header header(String name, String value) {
        return new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
