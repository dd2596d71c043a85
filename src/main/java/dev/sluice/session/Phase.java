package dev.sluice.session;

import dev.sluice.packet.Packet;

/** Where a connection stands, from the upgrade to its end. */
public sealed interface Phase {
    record AwaitingConnect() implements Phase {}

    /** The session's row is being opened; nothing that the client sends meanwhile is looked at. */
    record Opening(Packet.Connect connect, Grant grant) implements Phase {}

    record Online() implements Phase {}

    record Closed() implements Phase {}
}
