package dev.sluice.uplink.route;

import java.util.List;

/**
 * The decision of the routes about a Topic Name of a client. It can be kept for as long as the routes stay the same.
 * Immutable: any thread may use it.
 */
public sealed interface Resolution {
    /** One record for each match, at least one, in the order of the routes; a match with a failure is a dead letter. */
    record Forward(List<RouteMatch> matches) implements Resolution {}

    /**
     * Answer with the failure's reason code, before version 5 by closing. All or nothing: one route that cannot have its
     * record, and has no dead letters, refuses the message for all.
     */
    record Refuse(Failure failure) implements Resolution {}

    /** No route wants it, and the configuration says to acknowledge (in version 5 with 0x10), count and forget it. */
    record Drop() implements Resolution {}
}
