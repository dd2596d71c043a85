package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.uplink.record.PartitionChoice;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;

class SpoolRecordTest {
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static ProducerRecord<byte[], byte[]> record(Integer partition, byte[] key, byte[] value) {
        var headers = new RecordHeaders();
        headers.add("mqtt-seq", utf8("1/2"));
        headers.add("mqtt-user-größe", utf8("ü"));
        headers.add("twice", utf8("1"));
        headers.add("twice", utf8("2"));
        headers.add("empty", new byte[0]);
        headers.add("none", null);
        return new ProducerRecord<>("telemetry", partition, 1234567890123L, key, value, headers);
    }

    @Test
    void aRecordComesBackAsItWas() {
        for (var record : List.of(record(null, utf8("c"), new byte[] {0, -1}), record(3, null, new byte[0]))) {
            var row = SpoolRecord.row(record, "trucks", 5, "c", null, null);
            assertThat(row.isHeld()).isFalse();
            assertThat(SpoolRecord.of(row)).isEqualTo(record);
            assertThat(SpoolRecord.route(row)).isEqualTo("trucks");
            assertThat(SpoolRecord.choice(row)).isNull();
        }
    }

    /** What has to be known for it is known only when the record is drained. */
    @Test
    void theChoiceOfAPartitionComesBack() {
        var record = record(null, utf8("c"), new byte[0]);
        for (var text : Arrays.asList(utf8("größe"), new byte[0], null)) {
            var row = SpoolRecord.row(record, "trucks", 5, "c", null, new PartitionChoice(text));
            assertThat(SpoolRecord.of(row)).isEqualTo(record);
            assertThat(SpoolRecord.of(row, 7).partition()).isEqualTo(7);
            assertThat(SpoolRecord.route(row)).isEqualTo("trucks");
            assertThat(SpoolRecord.choice(row).text()).isEqualTo(text);
        }
    }

    /** Written before the route was. */
    @Test
    void aRowMayNameNoRoute() {
        var noHeaders = new SpoolRow(5, null, "c", "telemetry", null, null, new byte[0], new byte[0], 0);
        assertThat(SpoolRecord.route(noHeaders)).isNull();
        assertThat(SpoolRecord.choice(noHeaders)).isNull();
        assertThat(SpoolRecord.of(noHeaders).headers()).isEmpty();
        var packed = ByteBuffer.allocate(13)
                .putInt(4)
                .put(utf8("name"))
                .putInt(1)
                .put((byte) 'v')
                .array();
        var old = new SpoolRow(5, null, "c", "telemetry", null, null, packed, new byte[0], 0);
        assertThat(SpoolRecord.route(old)).isNull();
        assertThat(SpoolRecord.choice(old)).isNull();
        assertThat(SpoolRecord.of(old).headers()).containsExactly(new RecordHeader("name", utf8("v")));
    }

    /** Rows of other versions of the gateway are in the stripes. */
    @Test
    void theStripeOfAKeyNeverChanges() {
        assertThat(SpoolRecord.stripe(utf8("truck-4"))).isEqualTo(7);
        assertThat(SpoolRecord.stripe(new byte[0])).isEqualTo(9);
    }

    @Test
    void keysSpreadOverAllStripes() {
        var counts = new int[SpoolStore.STRIPES];
        IntStream.range(0, 16_000).forEach(i -> counts[SpoolRecord.stripe(utf8("device-" + i))]++);
        assertThat(counts).satisfies(all -> IntStream.of(all)
                .forEach(count -> assertThat(count).isBetween(500, 2000)));
    }
}
