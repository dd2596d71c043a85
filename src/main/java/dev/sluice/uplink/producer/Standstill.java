package dev.sluice.uplink.producer;

/**
 * A partition for which records wait, while Kafka acknowledges none. Immutable.
 *
 * @param partition {@link #ANY} for records whose partition Kafka's producer has chosen
 */
public record Standstill(String kafkaTopic, int partition) {
    public static final int ANY = -1;

    @Override
    public String toString() {
        return partition == ANY ? kafkaTopic : kafkaTopic + "-" + partition;
    }
}
