package dev.sluice.uplink.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.lang.ref.WeakReference;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/** With a producer that takes nothing. */
class LiveProducerTest {
    private boolean throwing;
    private final MockProducer<byte[], byte[]> kafka =
            new MockProducer<>(Cluster.empty(), false, null, new ByteArraySerializer(), new ByteArraySerializer()) {
                @Override
                public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
                    var noRoom = new TimeoutException("no room");
                    if (throwing) throw noRoom;
                    callback.onCompletion(null, noRoom);
                    return null;
                }
            };
    private final LiveProducer live = new LiveProducer(kafka, new Flows(), (_, _, _) -> {});

    /** Hands over a record, and returns what only the producer may still hold. */
    private WeakReference<Object> hand() {
        var client = new Object();
        var record = new ProducerRecord<byte[], byte[]>("t", null, new byte[0]);
        try {
            assertThat(live.hand(record, (_, _) -> client.notifyAll())).isEqualTo(Handover.NOT_NOW);
        } catch (TimeoutException thrown) {
            assertThat(throwing).isTrue();
        }
        return new WeakReference<>(client);
    }

    /** The list of what it holds is swept later, perhaps never: what is in it meanwhile must not keep a client and its message. */
    @Test
    void whatItHasNotTakenIsNotKept() {
        for (boolean thrown : new boolean[] {false, true}) {
            throwing = thrown;
            var client = hand();
            await("thrown: " + thrown).untilAsserted(() -> {
                System.gc();
                assertThat(client.get()).isNull();
            });
        }
        live.close();
    }
}
