package dev.sluice.broker;

/** A socket as a {@link Connection} sees it; every method is called on the connection's event loop. */
public interface Transport {
    int NORMAL = 1000;
    int GOING_AWAY = 1001;
    int PROTOCOL_ERROR = 1002;
    int UNSUPPORTED_DATA = 1003;
    int POLICY_VIOLATION = 1008;

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

    /** The peer, for the log. */
    String peer();
}
