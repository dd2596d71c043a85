package dev.sluice.cluster.relay;

/**
 * One record of the relay topic. Immutable; the bytes are not copied.
 *
 * @param sender id of the gateway
 * @param run of the sender
 * @param number of the record among those of this run to this addressee, from 1
 * @param addressee run of the gateway whose mailbox it is in; {@link #ALL} on the board
 * @param continued whether the letter has begun in the record before
 * @param more whether the letter goes on in the next record
 * @param content a letter, or a piece of one
 */
record Envelope(String sender, long run, long number, long addressee, boolean continued, boolean more, byte[] content) {
    static final long ALL = 0;
}
