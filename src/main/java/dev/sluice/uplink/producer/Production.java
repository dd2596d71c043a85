package dev.sluice.uplink.producer;

import dev.sluice.packet.ReasonCode;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;

/** One record that no client waits for, on its way to Kafka. Made by the thread that sends it; tells on that or on Kafka's. */
public final class Production implements Callback {
    public sealed interface Outcome {
        /** All in-sync replicas have it. */
        record Acknowledged() implements Outcome {}

        /** Kafka does not take it, and will not as long as all is as it is. */
        record Refused(ReasonCode reason, String why) implements Outcome {}

        /** Kafka has not taken it now; it may be sent again. */
        record Failed(String why) implements Outcome {}
    }

    private final Consumer<Outcome> told;
    private Thread sending = Thread.currentThread();
    private boolean notTaken;

    public Production(Consumer<Outcome> told) {
        this.told = told;
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception == null) {
            told.accept(new Outcome.Acknowledged());
        } else if (Refusal.of(exception) != null) {
            told.accept(new Outcome.Refused(Refusal.of(exception), exception.getMessage()));
        } else if (Thread.currentThread() == sending) {
            notTaken = true;
        } else {
            told.accept(new Outcome.Failed(exception.getMessage()));
        }
    }

    /** Ends the sending: whether the producer has taken the record, or refused it for good. */
    public boolean taken() {
        sending = null;
        return !notTaken;
    }
}
