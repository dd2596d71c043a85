package dev.sluice.access.token;

import java.io.IOException;

/** Where the keys of an issuer are. Immutable; used by one thread at a time. */
interface KeySource {
    /**
     * The text of the keys as it is now; blocks, within a bound.
     *
     * @throws IOException with a sentence that says what is wrong, when it cannot be had or is too large
     */
    byte[] read() throws IOException, InterruptedException;

    /** For the log. */
    @Override
    String toString();
}
