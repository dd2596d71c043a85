package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Makes the Kafka record of a PUBLISH: the payload untouched, what MQTT says about it in headers. Stateless. */
final class UplinkRecord {
    static final String TOPIC = "mqtt-topic";
    static final String CLIENT_ID = "mqtt-client-id";
    static final String QOS = "mqtt-qos";
    static final String MESSAGE_ID = "mqtt-message-id";
    static final String SEQ = "mqtt-seq";

    private static final Header[] QOS_HEADERS = {header(QOS, "0"), header(QOS, "1"), header(QOS, "2")};
    private static final Header RETAIN = header("mqtt-retain", "1");

    private UplinkRecord() {}

    /**
     * @param receivedAt time of receipt, milliseconds since 1970
     * @param messageId null at QoS 0
     */
    static ProducerRecord<byte[], byte[]> of(
            Target target, Header clientId, Packet.Publish publish, long receivedAt, byte[] messageId, byte[] seq) {
        var headers = new RecordHeaders();
        headers.add(target.topicHeader());
        headers.add(clientId);
        headers.add(QOS_HEADERS[publish.qos().ordinal()]);
        if (publish.qos() != QoS.AT_MOST_ONCE) headers.add(new RecordHeader(MESSAGE_ID, messageId));
        headers.add(new RecordHeader(SEQ, seq));
        if (publish.retain()) headers.add(RETAIN);
        if (!publish.properties().isEmpty()) addProperties(headers, publish, receivedAt);
        return new ProducerRecord<>(target.kafkaTopic(), null, receivedAt, target.key(), publish.payload(), headers);
    }

    private static void addProperties(RecordHeaders headers, Packet.Publish publish, long receivedAt) {
        var properties = publish.properties();
        addText(headers, "content-type", properties.text(Property.CONTENT_TYPE));
        addText(headers, "mqtt-response-topic", properties.text(Property.RESPONSE_TOPIC));
        var correlation = properties.binary(Property.CORRELATION_DATA);
        if (correlation != null) headers.add(new RecordHeader("mqtt-correlation-data", correlation));
        if (properties.has(Property.PAYLOAD_FORMAT_INDICATOR))
            addText(headers, "mqtt-payload-format", "" + properties.number(Property.PAYLOAD_FORMAT_INDICATOR, 0));
        var expiry = properties.number(Property.MESSAGE_EXPIRY_INTERVAL, -1);
        if (expiry >= 0) addText(headers, "mqtt-expires-at", "" + (receivedAt + expiry * 1000));
        for (var property : properties.userProperties())
            addText(headers, "mqtt-user-" + property.name(), property.value());
    }

    private static void addText(RecordHeaders headers, String name, String value) {
        if (value != null) headers.add(header(name, value));
    }

    static Header header(String name, String value) {
        return new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
