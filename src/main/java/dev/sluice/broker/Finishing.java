package dev.sluice.broker;

/**
 * Whether what a client published before its DISCONNECT is still under way, with or without its socket. Confined to the connection's
 * event loop, except for {@link #isOn}, which any thread may ask.
 */
final class Finishing {
    private final Connection connection;
    private final Broker broker;
    private volatile boolean on;

    Finishing(Connection connection, Broker broker) {
        this.connection = connection;
        this.broker = broker;
    }

    boolean isOn() {
        return on;
    }

    /** @param sessionGoesOn whether QoS 2 packet identifiers are still to be remembered */
    void begin(Publishing publishing, boolean sessionGoesOn) {
        publishing.finish(sessionGoesOn);
        on = true;
        broker.finishing(connection);
    }

    /** Returns whether it was on. */
    boolean end() {
        if (!on) return false;
        on = false;
        broker.finished(connection);
        return true;
    }
}
