package dev.sluice.uplink.spool;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore;
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

    /** @param holder null for a record that the producer does not have */
    static SpoolRow row(ProducerRecord<byte[], byte[]> record, String route, int stripe, String clientId, Long holder) {
        return new SpoolRow(
                stripe,
                holder,
                clientId,
                record.topic(),
                record.partition(),
                record.key(),
                pack(record.headers(), route),
                record.value(),
                record.timestamp());
    }

    static ProducerRecord<byte[], byte[]> of(SpoolRow row) {
        return new ProducerRecord<>(
                row.kafkaTopic(), row.partition(), row.recordAt(), row.key(), row.value(), unpack(row.headers()));
    }

    /** The route comes first, as a header without a name, which no record has. */
    static byte[] pack(Headers headers, String route) {
        var routeName = utf8(route);
        int size = 8 + routeName.length;
        for (var header : headers) size += 8 + utf8(header.key()).length + length(header.value());
        var packed = ByteBuffer.allocate(size);
        packed.putInt(0).putInt(routeName.length).put(routeName);
        for (var header : headers) {
            var name = utf8(header.key());
            packed.putInt(name.length).put(name);
            packed.putInt(header.value() == null ? NO_VALUE : header.value().length);
            if (header.value() != null) packed.put(header.value());
        }
        return packed.array();
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
