package dev.sluice.tools;

import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tail}: prints Kafka records as they come, one a line; runs on the main thread until it is interrupted. */
@Command(
        name = "tail",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Prints the records of a Kafka topic as they come.%n",
            "Ends with Ctrl-C. One record a line:",
            "  partition@offset  key  headers  value",
            "Keys, header values and values are text, or 0x and hexadecimal digits when they are not readable UTF-8.%n"
        })
public final class Tail implements Callable<Integer> {
    @Parameters(
            paramLabel = "KAFKA_TOPIC",
            defaultValue = "fleet.telemetry",
            description = "what to read (${DEFAULT-VALUE})")
    private String kafkaTopic;

    @Option(names = "--from-beginning", description = "print first what is there already")
    private boolean fromBeginning;

    @Mixin
    private KafkaOptions kafka;

    private Tail() {}

    @Override
    public Integer call() {
        var kafkaTopics = List.of(kafkaTopic);
        try (var records = fromBeginning
                ? KafkaRecords.fromBeginning(kafka.client(), kafkaTopics)
                : KafkaRecords.fromNow(kafka.client(), kafkaTopics)) {
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
    public static String readable(byte[] bytes) {
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
