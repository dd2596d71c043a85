package dev.sluice.uplink.spool;

import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.uplink.Part;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * One record that the producer has, and that the spool can insure: then its client has its answer at the spool's commit, and the row lasts
 * until Kafka has the record. Insured on the client's event loop; answered on Kafka's network thread; committed on the journal's.
 */
final class Sending implements Callback {
    private enum State {
        IN_FLIGHT,
        /** The row is on its way to PostgreSQL; whoever of the two is first answers the client. */
        INSURING,
        /** The client has its answer from the spool. */
        INSURED,
        /** The client has its answer from Kafka. */
        ANSWERED
    }

    private final Spool spool;
    private final Part part;
    private final AtomicReference<State> state = new AtomicReference<>(State.IN_FLIGHT);
    private volatile ProducerRecord<byte[], byte[]> record;
    private SpoolRow row;

    Sending(Spool spool, Part part, ProducerRecord<byte[], byte[]> record) {
        this.spool = spool;
        this.part = part;
        this.record = record;
    }

    boolean isAnswered() {
        return state.get() == State.ANSWERED;
    }

    /** The row that insures it, held by this gateway; null if Kafka has answered. */
    SpoolRow insure(String clientId, byte[] clientKey) {
        var held = record;
        if (held == null || !state.compareAndSet(State.IN_FLIGHT, State.INSURING)) return null;
        var key = held.key() == null ? clientKey : held.key();
        row = SpoolRecord.row(held, part.target.route().name(), SpoolRecord.lane(key), clientId, spool.run());
        return row;
    }

    /** The journal had no room. */
    void uninsured() {
        state.compareAndSet(State.INSURING, State.IN_FLIGHT);
    }

    void insured(Outcome outcome) {
        if (outcome != Outcome.COMMITTED) {
            uninsured();
        } else if (state.compareAndSet(State.INSURING, State.INSURED)) {
            record = null;
            part.acknowledged();
        } else {
            spool.release(row);
        }
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception == null) spool.heard();
        if (isFirst()) {
            record = null;
            part.onCompletion(metadata, exception);
        } else if (exception == null) {
            spool.release(row);
        } else {
            // The drain offers it again, and sees to it where Kafka refuses it for good.
            spool.free(row);
        }
    }

    /** Whether the client has no answer yet; from now on it has one. */
    private boolean isFirst() {
        while (true) {
            var now = state.get();
            if (now == State.INSURED) return false;
            if (state.compareAndSet(now, State.ANSWERED)) return true;
        }
    }
}
