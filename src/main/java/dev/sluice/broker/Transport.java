package dev.sluice.broker;

import dev.sluice.packet.ReasonCode;

/** A socket as a {@link Connection} sees it; every method is called on the connection's event loop. */
public interface Transport {
    int NORMAL = 1000;
    int GOING_AWAY = 1001;
    int PROTOCOL_ERROR = 1002;
    int UNSUPPORTED_DATA = 1003;
    int POLICY_VIOLATION = 1008;

    /** The WebSocket status code of a connection that ends for this reason. */
    static int status(ReasonCode reason) {
        return switch (reason) {
            case SUCCESS -> NORMAL;
            case SERVER_SHUTTING_DOWN -> GOING_AWAY;
            case MALFORMED_PACKET, PROTOCOL_ERROR -> PROTOCOL_ERROR;
            default -> POLICY_VIOLATION;
        };
    }

    /** Sends bytes as one unfragmented message; they are copied before the call returns. */
    void send(byte[] bytes, int length);

    /** Bytes accepted by {@link #send} that the kernel has not taken yet. */
    long unsent();

    /** Stops reading, so that the kernel's window closes; what was read already may still arrive. */
    void pause();

    void resume();

    void ping();

    /** Closes with a WebSocket status code once everything sent is out. */
    void close(int status);

    /** Ends the socket now, whatever waits to be sent. */
    void cut();

    /** Address of the peer, for the log. */
    String peer();
}
