package dev.sluice.fault;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.utils.Crc32C;

/** A batch of commands as it lies in Kafka's files. The broker checks what it is sent, so that a bad one gets there in no other way. */
record HandMadeBatch(byte[] bytes, int records) {
    private static final int CRC_AT = 17;
    private static final int ATTRIBUTES_AT = 21;
    private static final int UNKNOWN_CODEC = 7;

    /** Sound, and compressed by gzip. */
    static HandMadeBatch of(long firstOffset, String topic, int... numbers) {
        var records = Arrays.stream(numbers)
                .mapToObj(number -> new SimpleRecord(
                        System.currentTimeMillis(), topic.getBytes(StandardCharsets.US_ASCII), Inscription.of(number)))
                .toArray(SimpleRecord[]::new);
        var buffer = MemoryRecords.withRecords(firstOffset, Compression.gzip().build(), 0, records)
                .buffer();
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return new HandMadeBatch(bytes, numbers.length);
    }

    /** One bit has tipped over. */
    HandMadeBatch corrupt() {
        var broken = bytes.clone();
        broken[broken.length - 1] ^= 1;
        return new HandMadeBatch(broken, records);
    }

    /** Of a codec that no Kafka has, with the right checksum. */
    HandMadeBatch ofUnknownCodec() {
        var strange = bytes.clone();
        strange[ATTRIBUTES_AT + 1] = (byte) (strange[ATTRIBUTES_AT + 1] & ~7 | UNKNOWN_CODEC);
        var crc = Crc32C.compute(strange, ATTRIBUTES_AT, strange.length - ATTRIBUTES_AT);
        ByteBuffer.wrap(strange).putInt(CRC_AT, (int) crc);
        return new HandMadeBatch(strange, records);
    }

    /** Adds it to a partition of a Kafka that is stopped. */
    void appendTo(Path partition) throws IOException {
        Files.write(partition.resolve("00000000000000000000.log"), bytes, StandardOpenOption.APPEND);
    }

    /** The payload of a command, as an inbox counts it. */
    static final class Inscription {
        private Inscription() {}

        static byte[] of(int number) {
            return (number + " " + System.nanoTime() + " ").getBytes(StandardCharsets.US_ASCII);
        }
    }
}
