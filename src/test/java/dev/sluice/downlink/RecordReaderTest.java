package dev.sluice.downlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.codec.InputBounds;
import dev.sluice.downlink.RecordReader.TopicTemplate;
import dev.sluice.packet.Message;
import dev.sluice.packet.Property;
import dev.sluice.support.Table;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class RecordReaderTest {
    private static final long WRITTEN = 1_000_000;
    private static final long NOW = 1_005_000;
    private static final InputBounds BOUNDS = new InputBounds(128, 64, 16_384, 131_072, 1000, 16_384, 65_536, 16);
    private static final Map<String, TopicTemplate> TEMPLATES = Map.of(
            "fleet.commands", TopicTemplate.of("fleet/{key}/{header:site}/command"),
            "fixed", TopicTemplate.of("all/{kafkaTopic}"));

    static Stream<List<String>> cases() {
        return Table.lines("/downlink/cases.txt").map(Table::cells);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void reads(List<String> cells) {
        var record = record(cells.get(0), bytes(cells.get(1)), headers(cells.get(2)), bytes(cells.get(3)), WRITTEN);
        assertThat(outcome(new RecordReader(TEMPLATES, true, BOUNDS), record)).isEqualTo(cells.get(4));
    }

    private static String outcome(RecordReader reader, ConsumerRecord<byte[], byte[]> record) {
        try {
            var message = reader.read(record, NOW);
            if (record.value() == null) assertThat(message.payload()).isEmpty();
            else assertThat(message.payload()).isSameAs(record.value());
            return text(message);
        } catch (BadRecord bad) {
            return "! " + bad.getMessage();
        }
    }

    private static String text(Message message) {
        var text = new StringBuilder(message.topicName() + " " + message.qos().ordinal());
        if (message.retain()) text.append(" retain");
        var properties = message.properties();
        var correlation = properties.binary(Property.CORRELATION_DATA);
        add(text, "type", properties.text(Property.CONTENT_TYPE));
        add(text, "response", properties.text(Property.RESPONSE_TOPIC));
        add(text, "correlation", correlation == null ? null : HexFormat.of().formatHex(correlation));
        if (properties.has(Property.PAYLOAD_FORMAT_INDICATOR))
            add(text, "format", "" + properties.number(Property.PAYLOAD_FORMAT_INDICATOR, -1));
        if (message.expiresAt() != Message.NEVER) add(text, "until", "" + message.expiresAt());
        for (var user : properties.userProperties())
            text.append(" ").append(user.name()).append(":").append(user.value());
        return text.toString();
    }

    private static void add(StringBuilder text, String name, String value) {
        if (value != null) text.append(" ").append(name).append("=").append(value);
    }

    private static Headers headers(String cell) {
        var headers = new RecordHeaders();
        if (cell.isEmpty()) return headers;
        for (var header : cell.split(" ")) {
            var parts = header.split("=", 2);
            headers.add(parts[0], parts[1].equals("_") ? null : bytes(parts[1]));
        }
        return headers;
    }

    /** UTF-8, but for {@code \xff}, which is that byte. */
    private static byte[] bytes(String cell) {
        if (cell.equals("-")) return null;
        var bytes = new ByteArrayOutputStream();
        var parts = cell.split("\\\\x", -1);
        bytes.writeBytes(parts[0].getBytes(StandardCharsets.UTF_8));
        for (int i = 1; i < parts.length; i++) {
            bytes.write(Integer.parseInt(parts[i].substring(0, 2), 16));
            bytes.writeBytes(parts[i].substring(2).getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private static ConsumerRecord<byte[], byte[]> record(
            String kafkaTopic, byte[] key, Headers headers, byte[] value, long timestamp) {
        return new ConsumerRecord<>(
                kafkaTopic, 0, 0, timestamp, TimestampType.CREATE_TIME, 0, 0, key, value, headers, Optional.empty());
    }

    @Test
    void aRecordWithoutTimestampExpiresFromNowOn() {
        var record = record("sluice.downlink", bytes("t"), headers("mqtt-expiry=60"), bytes("x"), -1);
        assertThat(outcome(new RecordReader(TEMPLATES, true, BOUNDS), record)).isEqualTo("t 1 until=" + (NOW + 60_000));
    }

    @Test
    void aPayloadThatIsNoTextPassesUnchecked() {
        var record = record("sluice.downlink", bytes("t"), headers("mqtt-payload-format=1"), bytes("\\xff"), WRITTEN);
        assertThat(outcome(new RecordReader(TEMPLATES, false, BOUNDS), record)).isEqualTo("t 1 format=1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{clientId} | asks for {clientId}, but what there is here is {key}, {kafkaTopic} and {header:name}",
                "a/{header:} | asks for {header:}, but what there is here is {key}, {kafkaTopic} and {header:name}",
                "a/{key | has an unclosed {"
            })
    void aTemplateWithAMistakeIsRefused(String text, String mistake) {
        assertThatThrownBy(() -> TopicTemplate.of(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"" + text + "\" " + mistake);
    }

    /** No client is sent what none may send. */
    @Test
    void aRecordAboveTheBoundsIsUnreadable() {
        var reader = new RecordReader(TEMPLATES, true, BOUNDS);
        var deep = "a/".repeat(128);
        assertThat(outcome(reader, record("sluice.downlink", bytes(deep), headers(""), bytes("x"), WRITTEN)))
                .isEqualTo("! the key has more than 128 levels (sluice.mqtt.topic-levels-maximum)");
        var headers = new RecordHeaders();
        for (int i = 0; i < 65; i++) headers.add("mqtt-user-" + i, new byte[0]);
        assertThat(outcome(reader, record("sluice.downlink", bytes("t"), headers, bytes("x"), WRITTEN)))
                .startsWith("! more than 64 headers mqtt-user-")
                .endsWith("(sluice.mqtt.user-properties-maximum)");
        var long1 = new RecordHeaders().add("mqtt-user-a", new byte[17_000]);
        java.util.Arrays.fill(long1.lastHeader("mqtt-user-a").value(), (byte) 'x');
        assertThat(outcome(reader, record("sluice.downlink", bytes("t"), long1, bytes("x"), WRITTEN)))
                .startsWith("! more than 16384 bytes in headers");
    }
}
