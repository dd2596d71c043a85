package dev.sluice.downlink;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MessageProperties;
import dev.sluice.codec.Utf8;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.QoS;
import dev.sluice.packet.UserProperty;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.HeaderNames;
import dev.sluice.uplink.route.Template;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** Reads records of Kafka as messages for devices, by the headers that the uplink writes. Immutable: any thread may use it. */
final class RecordReader {
    /** Seconds from the record's timestamp; the one header that the uplink does not write. */
    private static final String EXPIRY = "mqtt-expiry";

    private static final byte[] EMPTY = {};
    private static final int LONGEST = 65_535;
    private static final int QUOTED = 40;
    private static final long MOST_SECONDS = 0xFFFF_FFFFL;

    private final Map<String, TopicTemplate> templates;
    private final boolean checksText;
    private final InputBounds bounds;

    /**
     * @param templates by Kafka topic
     * @param checksText whether a payload that claims to be UTF-8 has to be
     * @param bounds what no client may send, and none is sent
     */
    RecordReader(Map<String, TopicTemplate> templates, boolean checksText, InputBounds bounds) {
        this.templates = Map.copyOf(templates);
        this.checksText = checksText;
        this.bounds = bounds;
    }

    /** @param now milliseconds since 1970 */
    Message read(ConsumerRecord<byte[], byte[]> record, long now) throws BadRecord {
        var payload = record.value() == null ? EMPTY : record.value();
        var qos = number(record, HeaderNames.QOS, 2).orElse(1L);
        var retain = number(record, HeaderNames.RETAIN, 1).orElse(0L);
        var properties = properties(record);
        if (checksText && properties.number(Property.PAYLOAD_FORMAT_INDICATOR, 0) == 1 && !Utf8.isWellFormed(payload))
            throw new BadRecord(HeaderNames.PAYLOAD_FORMAT + " says that the value is UTF-8, which it is not");
        return new Message(
                topicName(record), QoS.of(qos.intValue()), retain == 1, properties, payload, expiresAt(record, now));
    }

    private TopicName topicName(ConsumerRecord<byte[], byte[]> record) throws BadRecord {
        var named = value(record, HeaderNames.TOPIC);
        if (named != null) return topicName(named, "header " + HeaderNames.TOPIC);
        var template = templates.get(record.topic());
        if (template != null)
            return topicName(
                    template.render(record).getBytes(StandardCharsets.UTF_8),
                    "template \"" + template.template() + "\"");
        if (record.key() == null)
            throw new BadRecord(
                    "neither a header " + HeaderNames.TOPIC + " nor a key says which topic the record is for");
        return topicName(record.key(), "key");
    }

    private TopicName topicName(byte[] utf8, String from) throws BadRecord {
        checkTopic(utf8, from);
        var topicName = TopicName.ofUtf8(utf8);
        if (topicName.isServers())
            throw new BadRecord("the " + from + " is a topic below $SYS/, which is the server's own");
        if (topicName.hasMoreLevelsThan(bounds.topicLevels()))
            throw above(InputBounds.TOPIC_LEVELS, "the " + from + " has more than " + bounds.topicLevels() + " levels");
        return topicName;
    }

    private static void checkTopic(byte[] utf8, String from) throws BadRecord {
        check(utf8, "the " + from);
        if (utf8.length == 0) throw new BadRecord("the " + from + " is empty, which no topic may be");
        for (var b : utf8)
            if (b == '+' || b == '#')
                throw new BadRecord("the " + from + " has the wildcard " + (char) b + ", which no topic may have");
    }

    private Properties properties(ConsumerRecord<byte[], byte[]> record) throws BadRecord {
        var properties = Properties.NONE;
        var contentType = text(record, HeaderNames.CONTENT_TYPE);
        if (contentType != null) properties = properties.with(Property.CONTENT_TYPE, contentType);
        var responseTopic = value(record, HeaderNames.RESPONSE_TOPIC);
        if (responseTopic != null) {
            checkTopic(responseTopic, "header " + HeaderNames.RESPONSE_TOPIC);
            properties = properties.with(Property.RESPONSE_TOPIC, utf8(responseTopic));
        }
        var correlation = value(record, HeaderNames.CORRELATION_DATA);
        if (correlation != null) {
            checkLength(correlation, "the header " + HeaderNames.CORRELATION_DATA);
            properties = properties.with(Property.CORRELATION_DATA, correlation);
        }
        var format = number(record, HeaderNames.PAYLOAD_FORMAT, 1);
        if (format.isPresent()) properties = properties.with(Property.PAYLOAD_FORMAT_INDICATOR, format.get());
        properties = withUserProperties(properties, record);
        if (MessageProperties.size(properties) > bounds.propertyBytes())
            throw above(
                    InputBounds.PROPERTY_BYTES,
                    "the headers make more than " + bounds.propertyBytes() + " bytes of properties");
        return properties;
    }

    private Properties withUserProperties(Properties properties, ConsumerRecord<byte[], byte[]> record)
            throws BadRecord {
        var made = new ArrayList<UserProperty>();
        var bytes = 0L;
        for (var header : record.headers()) {
            if (!header.key().startsWith(HeaderNames.USER_PREFIX)) continue;
            made.add(userProperty(header));
            bytes += 5 + header.key().length() + (header.value() == null ? 0 : header.value().length);
            if (made.size() > bounds.userProperties())
                throw above(
                        InputBounds.USER_PROPERTIES,
                        "more than " + bounds.userProperties() + " headers " + HeaderNames.USER_PREFIX + "...");
            if (bytes > bounds.userPropertyBytes())
                throw above(
                        InputBounds.USER_PROPERTY_BYTES,
                        "more than " + bounds.userPropertyBytes() + " bytes in headers " + HeaderNames.USER_PREFIX
                                + "...");
        }
        return made.isEmpty() ? properties : properties.withUserProperties(made);
    }

    private static BadRecord above(String bound, String sentence) {
        return new BadRecord(InputBounds.sentence(bound, sentence));
    }

    private static UserProperty userProperty(Header header) throws BadRecord {
        var name = header.key().substring(HeaderNames.USER_PREFIX.length());
        var value = header.value() == null ? EMPTY : header.value();
        check(name.getBytes(StandardCharsets.UTF_8), "the name of a header " + HeaderNames.USER_PREFIX + "...");
        check(value, "a header " + HeaderNames.USER_PREFIX + "...");
        return new UserProperty(name, utf8(value));
    }

    /** The earlier one of the two ends that a record may have. */
    private static long expiresAt(ConsumerRecord<byte[], byte[]> record, long now) throws BadRecord {
        var at = number(record, HeaderNames.EXPIRES_AT, Long.MAX_VALUE);
        var seconds = number(record, EXPIRY, MOST_SECONDS);
        if (at.isEmpty() && seconds.isEmpty()) return Message.NEVER;
        var written = record.timestamp() < 0 ? now : record.timestamp();
        var end = Math.min(
                at.orElse(Message.NEVER), seconds.map(it -> written + it * 1000).orElse(Message.NEVER));
        return Math.min(end, now + MOST_SECONDS * 1000); // more cannot be told a client
    }

    private static Optional<Long> number(ConsumerRecord<byte[], byte[]> record, String header, long most)
            throws BadRecord {
        var text = text(record, header);
        if (text == null) return Optional.empty();
        try {
            var number = Long.parseLong(text);
            if (number >= 0 && number <= most) return Optional.of(number);
        } catch (NumberFormatException _) {
            // said below
        }
        var shown = text.length() > QUOTED ? text.substring(0, QUOTED) + "..." : text;
        throw new BadRecord("the header " + header + " is \"" + shown + "\", and has to be a number from 0"
                + (most == Long.MAX_VALUE ? "" : " to " + most));
    }

    private static String text(ConsumerRecord<byte[], byte[]> record, String header) throws BadRecord {
        var value = value(record, header);
        if (value == null) return null;
        check(value, "the header " + header);
        return utf8(value);
    }

    private static byte[] value(ConsumerRecord<byte[], byte[]> record, String header) {
        var last = record.headers().lastHeader(header);
        return last == null ? null : last.value();
    }

    private static void check(byte[] text, String what) throws BadRecord {
        if (!Utf8.isString(text)) throw new BadRecord(what + " is not UTF-8 without U+0000");
        checkLength(text, what);
    }

    private static void checkLength(byte[] bytes, String what) throws BadRecord {
        if (bytes.length > LONGEST)
            throw new BadRecord(what + " has " + bytes.length + " bytes, more than MQTT's " + LONGEST);
    }

    private static String utf8(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** How the Topic Names of a Kafka topic's records are made. */
    record TopicTemplate(Template template) {
        private static final String KEY = "key";
        private static final String KAFKA_TOPIC = "kafkaTopic";
        private static final String HEADER = "header:";

        /** @throws IllegalArgumentException with a sentence that names the mistake */
        static TopicTemplate of(String text) {
            var template = Template.of(text);
            for (var name : template.names())
                if (!name.equals(KEY)
                        && !name.equals(KAFKA_TOPIC)
                        && !(name.startsWith(HEADER) && name.length() > HEADER.length()))
                    throw new IllegalArgumentException("\"" + text + "\" asks for {" + name
                            + "}, but what there is here is {key}, {kafkaTopic} and {header:name}");
            return new TopicTemplate(template);
        }

        private String render(ConsumerRecord<byte[], byte[]> record) throws BadRecord {
            for (var name : template.names()) {
                var value = value(record, name);
                if (value == null)
                    throw new BadRecord("the template \"" + template + "\" asks for {" + name
                            + "}, which the record does not have");
                check(value, "{" + name + "} of the template \"" + template + "\"");
            }
            return template.render(name -> utf8(value(record, name)));
        }

        private static byte[] value(ConsumerRecord<byte[], byte[]> record, String name) {
            return switch (name) {
                case KEY -> record.key();
                case KAFKA_TOPIC -> record.topic().getBytes(StandardCharsets.UTF_8);
                default -> RecordReader.value(record, name.substring(HEADER.length()));
            };
        }
    }
}
