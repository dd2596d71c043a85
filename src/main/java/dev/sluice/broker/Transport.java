package dev.sluice.broker;

import dev.sluice.packet.ReasonCode;

/** A socket as a {@link Connection} sees it; every method is called on the connection's event loop. */
public interface Transport {
    int NORMAL = 1000;
    int GOING_AWAY = 1001;
    int PROTOCOL_ERROR = 1002;
    int UNSUPPORTED_DATA = 1003;
    int INVALID_DATA = 1007;
    int POLICY_VIOLATION = 1008;
    int TOO_BIG = 1009;
    int INTERNAL_ERROR = 1011;
    int TRY_AGAIN_LATER = 1013;

    /**
     * The WebSocket status code of a connection that ends for this reason (RFC 6455, section 7.4.1, and IANA's registry). An MQTT 3
     * client is told nothing else.
     */
    static int status(ReasonCode reason) {
        return switch (reason) {
            case SUCCESS, DISCONNECT_WITH_WILL_MESSAGE -> NORMAL;
            case SERVER_SHUTTING_DOWN, USE_ANOTHER_SERVER, SERVER_MOVED, MAXIMUM_CONNECT_TIME -> GOING_AWAY;
            case MALFORMED_PACKET, PROTOCOL_ERROR, UNSUPPORTED_PROTOCOL_VERSION -> PROTOCOL_ERROR;
            case PAYLOAD_FORMAT_INVALID -> INVALID_DATA;
            case PACKET_TOO_LARGE -> TOO_BIG;
            case UNSPECIFIED_ERROR, IMPLEMENTATION_SPECIFIC_ERROR -> INTERNAL_ERROR;
            case SERVER_UNAVAILABLE, SERVER_BUSY, CONNECTION_RATE_EXCEEDED -> TRY_AGAIN_LATER;
            default -> POLICY_VIOLATION;
        };
    }

    /** Sends bytes as one unfragmented message; they are copied before the call returns. */
    void send(byte[] bytes, int length);

    /** Bytes that wait for the client to read them: of messages, and of the answers to its pings. */
    long unsent();

    /** All the bytes that the client has read so far, nearly: grows whenever it reads. */
    long taken();

    /** Stops reading, so that the kernel's window closes; what was read already may still arrive. */
    void pause();

    void resume();

    void ping();

    /**
     * Closes with a WebSocket status code once everything sent is out; the client has two seconds to answer. Nothing is sent after it,
     * and the bytes that the client still sends are not looked at.
     */
    void close(int status);

    /** Since when the client has had the time to send its CONNECT; the JVM's nanoseconds. */
    long acceptedAt();
}
