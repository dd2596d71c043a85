package dev.sluice.downlink;

import dev.sluice.uplink.Production;
import dev.sluice.uplink.Uplink;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jboss.logging.Logger;

/** What Kafka is told of records that did not arrive: the record itself, and why. Confined to the downlink's thread. */
final class Letters {
    private static final Logger LOG = Logger.getLogger(Letters.class);
    private static final Duration RETRY = Duration.ofMillis(200);

    private final Uplink uplink;
    private final Executor thread;
    private final Consumer<Command> told;
    private final Runnable abandoned;
    /** Those that the producer has not taken, in order. */
    private final ArrayDeque<Letter> waiting = new ArrayDeque<>();

    private int underWay;
    private long tryAt = System.nanoTime();

    private record Letter(Command command, ProducerRecord<byte[], byte[]> record) {}

    /**
     * @param told of each record whose letter Kafka has, or never takes
     * @param abandoned counts the latter
     */
    Letters(Uplink uplink, Executor thread, Consumer<Command> told, Runnable abandoned) {
        this.uplink = uplink;
        this.thread = thread;
        this.told = told;
        this.abandoned = abandoned;
    }

    void dead(String kafkaTopic, Command command, Ending.Dead ending) {
        var letter = letter(kafkaTopic, command.record());
        add(letter, "dead-letter-error", ending.error());
        add(letter, "dead-letter-reason", ending.reason());
        send(command, from("dead-letter-", letter, command.record()));
    }

    void undeliverable(String kafkaTopic, Command command, Ending.Why why) {
        var letter = letter(kafkaTopic, command.record());
        add(letter, "undeliverable-error", why.code());
        add(letter, "undeliverable-reason", why.sentence());
        send(command, from("undeliverable-", letter, command.record()));
    }

    private static ProducerRecord<byte[], byte[]> letter(String kafkaTopic, ConsumerRecord<byte[], byte[]> record) {
        return new ProducerRecord<>(
                kafkaTopic,
                null,
                null,
                record.key(),
                record.value(),
                new RecordHeaders(record.headers().toArray()));
    }

    private static ProducerRecord<byte[], byte[]> from(
            String prefix, ProducerRecord<byte[], byte[]> letter, ConsumerRecord<byte[], byte[]> record) {
        add(letter, prefix + "kafka-topic", record.topic());
        add(letter, prefix + "partition", Integer.toString(record.partition()));
        add(letter, prefix + "offset", Long.toString(record.offset()));
        return letter;
    }

    private static void add(ProducerRecord<byte[], byte[]> letter, String name, String value) {
        letter.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    private void send(Command command, ProducerRecord<byte[], byte[]> record) {
        waiting.add(new Letter(command, record));
        sendWaiting();
    }

    private void sendWaiting() {
        while (!waiting.isEmpty() && System.nanoTime() - tryAt >= 0) {
            var letter = waiting.peek();
            if (!uplink.produce(letter.record, outcome -> thread.execute(() -> settled(letter, outcome)))) {
                tryAt = System.nanoTime() + RETRY.toNanos();
                return;
            }
            waiting.remove();
            underWay++;
        }
    }

    private void settled(Letter letter, Production.Outcome outcome) {
        underWay--;
        switch (outcome) {
            case Production.Outcome.Acknowledged _ -> told.accept(letter.command);
            case Production.Outcome.Failed(var why) -> {
                LOG.debugf("a record for %s is sent again: %s", letter.record.topic(), why);
                waiting.add(letter);
            }
            case Production.Outcome.Refused(var why) -> {
                var record = letter.command.record();
                LOG.errorf(
                        "%s does not take the record of %s, partition %d, offset %d, which could not be delivered: %s",
                        letter.record.topic(), record.topic(), record.partition(), record.offset(), why);
                abandoned.run();
                told.accept(letter.command);
            }
        }
    }

    /** The clock. */
    void tick() {
        sendWaiting();
    }

    void drop(Progress progress) {
        waiting.removeIf(letter -> letter.command.progress() == progress);
    }

    /** Whether all that was written has come or is given up. */
    boolean isEmpty() {
        return waiting.isEmpty() && underWay == 0;
    }
}
