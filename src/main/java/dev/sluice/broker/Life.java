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
 *  Life    OPEN --------------------> DRAINING ------------> CLOSING ------------> GONE
 *           | |     the gateway              | everything under      | the peer has   ^
 *           | |     shuts down               | way is answered, or   | closed, too,   |
 *           | |                              | any end as of OPEN    | or is cut off  |
 *           | +--------------------------------------------> CLOSING                  |
 *           |   DISCONNECT, a fault, a take-over, a deadline                          |
 *           +-------------------------------------------------------------------------+
 *               the socket closes by itself (so it may when DRAINING): the connection is lost
 * </pre>
 *
 * A drain of a connection whose CONNECT is not answered ends it at once. A session's row that is opened for a connection which is
 * CLOSING or GONE by then is given up again by {@link Broker#openedInVain}.
 */
enum Life {
    /** Bytes are read, as far as there is room for what they ask for. */
    OPEN,
    /** Nothing more is read; what was read before is still answered. */
    DRAINING,
    /** The last packet and the close frame are on their way; nothing more is sent. */
    CLOSING,
    /** There is no socket any more, except for the endpoint, which may still be closing it. */
    GONE;

    /** Whether the client is neither read nor sent anything any more. */
    boolean isOver() {
        return compareTo(CLOSING) >= 0;
    }
}
