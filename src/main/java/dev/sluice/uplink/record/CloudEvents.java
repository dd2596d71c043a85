package dev.sluice.uplink.record;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.HeaderNames;
import dev.sluice.uplink.route.RouteMatch;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The headers of a record as CloudEvents 1.0 has them in Kafka, in binary content mode. Stateless. */
public final class CloudEvents {
    private static final String DEFAULT_TYPE = "dev.sluice.mqtt.publish";

    private static final Header SPEC_VERSION = UplinkRecord.header(HeaderNames.CE_SPEC_VERSION, "1.0");
    private static final Header[] QOS_HEADERS = {
        UplinkRecord.header(HeaderNames.CE_QOS, "0"),
        UplinkRecord.header(HeaderNames.CE_QOS, "1"),
        UplinkRecord.header(HeaderNames.CE_QOS, "2")
    };
    private static final Header RETAIN = UplinkRecord.header(HeaderNames.CE_RETAIN, "true");

    private CloudEvents() {}

    /** Returns the headers that are the same for every PUBLISH of a client to a Topic Name. */
    static List<Header> leading(RouteMatch match, TopicName topicName, String clientId, Header clientIdHeader) {
        var headers = new ArrayList<Header>(6);
        headers.add(SPEC_VERSION);
        if (!match.headers().containsKey(HeaderNames.CE_TYPE))
            headers.add(UplinkRecord.header(HeaderNames.CE_TYPE, DEFAULT_TYPE));
        headers.add(
                UplinkRecord.header(HeaderNames.CE_SOURCE, source(match.route().name(), clientId)));
        headers.add(new RecordHeader(HeaderNames.CE_SUBJECT, topicName.utf8()));
        headers.add(new RecordHeader(HeaderNames.CE_CLIENT_ID, clientIdHeader.value()));
        return List.copyOf(headers);
    }

    /** A reference of its own for each sequence, in which a number occurs once. */
    private static String source(String route, String clientId) {
        var escaped = URLEncoder.encode(clientId, StandardCharsets.UTF_8).replace("+", "%20");
        return "/clients/" + escaped + "/routes/" + route;
    }

    /** Adds the headers of this PUBLISH. The sequence and the message id keep their own headers: consumers look there for gaps and repeats. */
    static void add(Headers headers, Packet.Publish publish, long receivedAt, byte[] messageId, byte[] seq) {
        headers.add(new RecordHeader(HeaderNames.CE_ID, seq));
        headers.add(new RecordHeader(HeaderNames.CE_TIME, Rfc3339.of(receivedAt)));
        headers.add(QOS_HEADERS[publish.qos().ordinal()]);
        if (publish.qos() != QoS.AT_MOST_ONCE) headers.add(new RecordHeader(HeaderNames.MESSAGE_ID, messageId));
        headers.add(new RecordHeader(HeaderNames.SEQ, seq));
        if (publish.retain()) headers.add(RETAIN);
        var expiresAt = UplinkRecord.expiresAt(publish.properties(), receivedAt);
        if (expiresAt != 0) headers.add(new RecordHeader(HeaderNames.CE_EXPIRES_AT, Rfc3339.of(expiresAt)));
    }

    static List<Header> ofProperties(Properties properties) {
        var headers = new ArrayList<Header>();
        UplinkRecord.addText(headers, HeaderNames.CONTENT_TYPE, properties.text(Property.CONTENT_TYPE));
        UplinkRecord.addText(headers, HeaderNames.CE_RESPONSE_TOPIC, properties.text(Property.RESPONSE_TOPIC));
        var correlation = properties.binary(Property.CORRELATION_DATA);
        if (correlation != null)
            headers.add(new RecordHeader(
                    HeaderNames.CE_CORRELATION_DATA, Base64.getEncoder().encode(correlation)));
        if (properties.has(Property.PAYLOAD_FORMAT_INDICATOR))
            UplinkRecord.addText(
                    headers,
                    HeaderNames.CE_PAYLOAD_FORMAT,
                    "" + properties.number(Property.PAYLOAD_FORMAT_INDICATOR, 0));
        UplinkRecord.addUserProperties(headers, properties);
        return headers;
    }
}
