package dev.sluice.uplink.producer;

/**
 * The producer's answer when it is handed a record. Immutable.
 *
 * <p>Kafka's producer gives some answers before {@code send} returns, by the same callback as the later ones; {@link UplinkProducer#hand}
 * tells the two apart, and nobody else has to.
 */
public sealed interface Handover {
    Handover TAKEN = new Taken();
    Handover NOT_NOW = new NotNow();

    /** The producer has the record; the callback gets its outcome. */
    record Taken() implements Handover {}

    /** The producer has no room, does not know the topic yet, or is being replaced: the record can be handed over again. */
    record NotNow() implements Handover {}

    /** Neither the producer nor Kafka will ever take the record. */
    record Refused(Refusal refusal) implements Handover {}

    /** The answer that an exception from within {@code send} stands for. */
    static Handover of(Exception failure) {
        var refusal = Refusal.of(failure);
        return refusal == null ? NOT_NOW : new Refused(refusal);
    }
}
