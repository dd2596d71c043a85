package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.uplink.record.PartitionChoice;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** A Kafka record as a row of the spool and back; the spool has it whole, so that producing it later needs nothing else. Stateless. */
public final class SpoolRecord {
    private static final int NO_VALUE = -1;
    /** Spreads hashes that differ in a few bits; the stripe is in the upper four. */
    private static final int GOLDEN = 0x9E3779B9;

    private static final int STRIPE_SHIFT = Integer.SIZE - Integer.numberOfTrailingZeros(SpoolStore.STRIPES);

    private SpoolRecord() {}

    /** The stripe of a key. The rows of all versions of the gateway are in them: it must not change. */
    public static int stripe(byte[] key) {
        return Arrays.hashCode(key) * GOLDEN >>> STRIPE_SHIFT;
    }

    /**
     * @param holder null for a record that the producer does not have
     * @param choice of a record whose partition is to be chosen when it is drained; else null
     */
    static SpoolRow row(
            ProducerRecord<byte[], byte[]> record,
            String route,
            int stripe,
            String clientId,
            Long holder,
            PartitionChoice choice) {
        return new SpoolRow(
                stripe,
                holder,
                clientId,
                record.topic(),
                record.partition(),
                record.key(),
                pack(record.headers(), route, choice),
                record.value(),
                record.timestamp());
    }

    static ProducerRecord<byte[], byte[]> of(SpoolRow row) {
        return of(row, row.partition());
    }

    /** @param partition null where the key chooses */
    static ProducerRecord<byte[], byte[]> of(SpoolRow row, Integer partition) {
        return new ProducerRecord<>(
                row.kafkaTopic(), partition, row.recordAt(), row.key(), row.value(), unpack(row.headers()));
    }

    /** The route comes first, then perhaps what chooses the partition, as headers without a name, which no record has. */
    static byte[] pack(Headers headers, String route, PartitionChoice choice) {
        var routeName = utf8(route);
        int size = 8 + routeName.length + (choice == null ? 0 : 8 + length(choice.text()));
        for (var header : headers) size += 8 + utf8(header.key()).length + length(header.value());
        var packed = ByteBuffer.allocate(size);
        packed.putInt(0).putInt(routeName.length).put(routeName);
        if (choice != null) putValue(packed.putInt(0), choice.text());
        for (var header : headers) {
            var name = utf8(header.key());
            putValue(packed.putInt(name.length).put(name), header.value());
        }
        return packed.array();
    }

    private static void putValue(ByteBuffer packed, byte[] value) {
        packed.putInt(value == null ? NO_VALUE : value.length);
        if (value != null) packed.put(value);
    }

    static Headers unpack(byte[] packed) {
        var headers = new RecordHeaders();
        var rest = ByteBuffer.wrap(packed);
        while (rest.hasRemaining()) {
            var name = new String(bytes(rest, rest.getInt()), StandardCharsets.UTF_8);
            int length = rest.getInt();
            var value = length == NO_VALUE ? null : bytes(rest, length);
            if (!name.isEmpty()) headers.add(name, value);
        }
        return headers;
    }

    /** The name of the route that made the record; null in the row of an older gateway. */
    static String route(SpoolRow row) {
        var packed = ByteBuffer.wrap(row.headers());
        if (!packed.hasRemaining() || packed.getInt() > 0) return null;
        return new String(bytes(packed, packed.getInt()), StandardCharsets.UTF_8);
    }

    /** What chooses its partition; null if nothing but the key or the route does. */
    static PartitionChoice choice(SpoolRow row) {
        if (row.partition() != null || route(row) == null) return null;
        var packed = ByteBuffer.wrap(row.headers()).position(Integer.BYTES);
        bytes(packed, packed.getInt());
        if (!packed.hasRemaining() || packed.getInt() > 0) return null;
        int length = packed.getInt();
        return new PartitionChoice(length == NO_VALUE ? null : bytes(packed, length));
    }

    private static byte[] bytes(ByteBuffer from, int length) {
        var bytes = new byte[length];
        from.get(bytes);
        return bytes;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static int length(byte[] value) {
        return value == null ? 0 : value.length;
    }
}
