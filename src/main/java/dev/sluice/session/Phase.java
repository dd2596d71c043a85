package dev.sluice.session;

import dev.sluice.packet.Packet;

/** The state of a connection towards its session, from the upgrade to its end. */
public sealed interface Phase {
    record AwaitingConnect() implements Phase {}

    /**
     * The client has to prove who it is, perhaps by AUTH; nothing but AUTH and DISCONNECT is looked at meanwhile.
     *
     * @param connect without its password
     */
    record Authenticating(Packet.Connect connect) implements Phase {}

    /** The session's row is being opened; nothing that the client sends meanwhile is looked at. */
    record Opening(Packet.Connect connect, Grant grant) implements Phase {}

    /** @param leave that it is told once nothing is half done; null as long as it may stay */
    record Online(Event.Leave leave) implements Phase {}

    /** The client has said DISCONNECT, and what it published before that is still under way. */
    record Finishing() implements Phase {}

    record Closed() implements Phase {}
}
