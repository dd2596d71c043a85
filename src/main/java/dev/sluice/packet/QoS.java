package dev.sluice.packet;

/** Quality of service of an application message; the ordinal is the value on the wire. */
public enum QoS {
    AT_MOST_ONCE,
    AT_LEAST_ONCE,
    EXACTLY_ONCE;

    private static final QoS[] LEVELS = values();

    /** The level for its two bits, 0 to 2; 3 is for the codec to refuse [MQTT-3.3.1-4]. */
    public static QoS of(int bits) {
        return LEVELS[bits];
    }

    public QoS min(QoS other) {
        return ordinal() <= other.ordinal() ? this : other;
    }
}
