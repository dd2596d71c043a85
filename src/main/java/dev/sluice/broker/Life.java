package dev.sluice.broker;

/**
 * Where a connection stands with its socket; only ever a later one follows. {@link dev.sluice.session.Phase} says beside it where the
 * client stands with its session:
 *
 * <pre>
 *  Phase   AwaitingConnect ------> Authenticating ------> Opening -------------> Online -------------> Closed
 *                         CONNECT                client          session's row           any end below
 *                                                is known        is opened
 *
 *  Life    OPEN ------------------------------------------------> CLOSING -------------> GONE
 *           |   DISCONNECT, a fault, a take-over, a deadline;               the peer has   ^
 *           |   it is to leave, and nothing is half done                    closed, too,   |
 *           |                                                               or is cut off  |
 *           +------------------------------------------------------------------------------+
 *               the socket closes by itself: the connection is lost
 * </pre>
 *
 * A connection whose CONNECT is not answered leaves at once. A session's row that is opened for a connection which is
 * CLOSING or GONE by then is given up again by {@link Broker#openedInVain}.
 */
enum Life {
    /** Bytes are read, as far as there is room for what they ask for. */
    OPEN,
    /** The last packet and the close frame are on their way; nothing more is sent. */
    CLOSING,
    /** There is no socket any more, except for the endpoint, which may still be closing it. */
    GONE;

    /** Whether the client is neither read nor sent anything any more. */
    boolean isOver() {
        return compareTo(CLOSING) >= 0;
    }
}
