package dev.sluice.uplink.spool;

import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * One record that the producer has, and that the spool can insure: it writes the record down, too, so that the client has its answer at that
 * commit, and the row lasts until Kafka has the record. Spooled on the client's event loop; answered on Kafka's network thread; committed on
 * the journal's.
 */
final class InsuredRecord implements Callback {
    private enum State {
        IN_FLIGHT,
        /** The row is on its way to PostgreSQL; the first of the two answers the client. */
        SPOOLING,
        /** The client has its answer from the spool. */
        SPOOLED,
        /** The client has its answer from Kafka. */
        ANSWERED
    }

    private final Spool spool;
    private final String route;
    /** Answers the client. */
    private final Callback client;

    private final AtomicReference<State> state = new AtomicReference<>(State.IN_FLIGHT);
    private volatile ProducerRecord<byte[], byte[]> record;
    private SpoolRow row;

    InsuredRecord(Spool spool, String route, ProducerRecord<byte[], byte[]> record, Callback client) {
        this.spool = spool;
        this.route = route;
        this.record = record;
        this.client = client;
    }

    boolean isAnswered() {
        return state.get() == State.ANSWERED;
    }

    /** Whether it waits for one of these Kafka topics. */
    boolean isFor(Set<String> kafkaTopics) {
        var held = record;
        return held != null && kafkaTopics.contains(held.topic());
    }

    /** Begins to spool it; returns the row, which this gateway leases, or null if Kafka has answered, or others go to Kafka behind it. */
    SpoolRow spool(String clientId, byte[] clientKey) {
        var held = record;
        if (held == null) return null;
        var key = held.key() == null ? clientKey : held.key();
        if (spool.stripe(key).state(held.topic()) == SpoolStripe.State.DIRECT) return null;
        if (!state.compareAndSet(State.IN_FLIGHT, State.SPOOLING)) return null;
        row = SpoolRecord.row(held, route, SpoolRecord.stripe(key), clientId, spool.run(), null);
        return row;
    }

    /** The journal had no room. */
    void notSpooled() {
        state.compareAndSet(State.SPOOLING, State.IN_FLIGHT);
    }

    void spooled(Outcome outcome) {
        if (outcome != Outcome.COMMITTED) {
            notSpooled();
        } else if (state.compareAndSet(State.SPOOLING, State.SPOOLED)) {
            record = null;
            client.onCompletion(null, null);
        } else {
            spool.deleteLater(row);
        }
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception == null) spool.kafkaAnswered();
        if (isFirst()) {
            record = null;
            client.onCompletion(metadata, exception);
        } else if (exception == null) {
            spool.deleteLater(row);
        } else {
            // The drain sends it again, and makes a dead letter of it where Kafka refuses it for good.
            spool.unleaseLater(row);
        }
    }

    /** Whether the client has no answer yet; from now on it has one. */
    private boolean isFirst() {
        while (true) {
            var now = state.get();
            if (now == State.SPOOLED) return false;
            if (state.compareAndSet(now, State.ANSWERED)) return true;
        }
    }
}
