package dev.sluice.access;

/** An exchange of extended authentication that waits for the client's next answer. Used once, by one virtual thread. */
@FunctionalInterface
public interface Conversation {
    /**
     * Judges the client's answer; may block.
     *
     * @param data Authentication Data; null without
     */
    Verdict answered(byte[] data);
}
