package dev.sluice.cluster.relay;

import dev.sluice.cluster.RelayMessage;

/**
 * What one or more records of the relay topic say: a message, or what relays need to know of each other. Immutable.
 *
 * <p>A gateway that asks another one for its whole state numbers its question. The answer goes to its mailbox, in parts; a marker on the board
 * says which announcements it contains: those in front of the marker.
 */
sealed interface Letter {
    /** What the broker has to tell. */
    record Told(RelayMessage message) implements Letter {}

    /** On the board, by one that does not live alone, as soon as it hears: asks everybody. */
    record Joined(long question, boolean hasNothing) implements Letter {}

    /** On the board, for one gateway: what the sender has announced before is in the answer. */
    record Marker(String asker, long askerRun, long question) implements Letter {}

    /** On the board: a run was declared dead. It may be there, and not know of it. */
    record Dead(String id, long run) implements Letter {}

    /** On the board, so that a gap at the end is found. */
    record Heartbeat() implements Letter {}

    /** In a mailbox: asks for the whole state. */
    record Question(long question) implements Letter {}

    /** In a mailbox: a part of the answer; without a message if a later version tells what this one does not know. */
    record Part(long question, RelayMessage.ToAll message) implements Letter {}

    /** In a mailbox: the end of the answer. */
    record End(long question, int parts) implements Letter {}

    /** In the sender's own mailbox: once it has come back, what was there before has come, too. */
    record Mark(long number) implements Letter {}

    /** In a mailbox: the addressee's announcements were taken in up to this number. */
    record Seen(long number) implements Letter {}
}
