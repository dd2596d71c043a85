package dev.sluice.uplink;

import java.util.List;

/**
 * What the routes say about a Topic Name of a client: the same as long as the routes are, so it can be kept.
 * Immutable: any thread may use it.
 */
public sealed interface Resolution {
    /** One record for each match, at least one, in the order of the routes. */
    record Forward(List<Match> matches) implements Resolution {}

    /**
     * Answer with Topic Name invalid (0x90), before version 5 by closing. All or nothing: one route that cannot have its
     * record refuses the message for all.
     *
     * @param reason a sentence without anything the client wrote
     */
    record Refuse(String reason) implements Resolution {}

    /** No route wants it, and the configuration says to acknowledge (in version 5 with 0x10), count and forget it. */
    record Drop() implements Resolution {}
}
