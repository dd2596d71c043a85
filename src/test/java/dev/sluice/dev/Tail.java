package dev.sluice.dev;

import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** {@code ./sluice tail}: prints Kafka records as they come, one a line; runs on the main thread until it is interrupted. */
final class Tail {
    private static final String USAGE = """
            Usage: ./sluice tail [--from-beginning] [KAFKA_TOPIC]

            Prints the records of a Kafka topic (fleet.telemetry) as they come, until Ctrl-C, one a line:
              partition@offset  key  headers  value
            Keys, header values and values are text, or 0x and hexadecimal digits when they are not readable UTF-8.

              --from-beginning   print first what is there already

            Reads from KAFKA_BOOTSTRAP_SERVERS, or 127.0.0.1 and SLUICE_KAFKA_PORT (9092).
            """;

    private Tail() {}

    static int run(Settings settings, List<String> arguments) {
        if (arguments.contains("--help")) {
            System.out.print(USAGE);
            return 0;
        }
        var topics = new ArrayList<>(arguments);
        var fromBeginning = topics.removeIf("--from-beginning"::equals);
        if (topics.size() > 1 || topics.stream().anyMatch(topic -> topic.startsWith("-"))) {
            throw new Complaint("tail does not understand '" + topics.getLast() + "'.\n\n" + USAGE);
        }
        var topic = topics.isEmpty() ? "fleet.telemetry" : topics.getFirst();
        try (var records = fromBeginning
                ? KafkaRecords.fromBeginning(settings.kafka(), topic)
                : KafkaRecords.fromNow(settings.kafka(), topic)) {
            var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
            while (!out.checkError()) { // flushes, and ends when nobody reads any more
                records.poll(record -> out.println(line(record)));
            }
        }
        return 0;
    }

    static String line(ConsumerRecord<byte[], byte[]> record) {
        var headers = StreamSupport.stream(record.headers().spliterator(), false)
                .map(header -> header.key() + "=" + readable(header.value()))
                .collect(Collectors.joining(" "));
        return record.partition() + "@" + record.offset() + "  " + readable(record.key()) + "  " + headers + "  "
                + readable(record.value());
    }

    /** Text on one line, or hex digits for what is not text. */
    static String readable(byte[] bytes) {
        if (bytes == null) {
            return "(null)";
        }
        try {
            var text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            var line = text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t");
            return line.chars().anyMatch(Character::isISOControl) ? hex(bytes) : line;
        } catch (CharacterCodingException _) {
            return hex(bytes);
        }
    }

    private static String hex(byte[] bytes) {
        return "0x" + HexFormat.of().formatHex(bytes);
    }
}
