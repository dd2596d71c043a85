package dev.sluice.uplink;

import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.contract.CheckOverrun;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.Resolution;
import dev.sluice.uplink.route.Routes;

/** What the routes would make of a message, as far as that is known without sending it. Immutable. */
public sealed interface Prospect {
    /** Kafka gets a record, and subscribers the message. */
    record Forwarded() implements Prospect {}

    /** No route takes it, and the configuration says to drop it: it is for subscribers alone. */
    record Unmatched() implements Prospect {}

    /** No route takes it, and the configuration makes a dead letter of it: it is not for subscribers. */
    record UnmatchedDeadLetter() implements Prospect {}

    /** A dead letter would take the place of one of its records: it is not for subscribers. */
    record DeadLettered(ReasonCode reason, String why) implements Prospect {}

    /** It has no record and no dead letter. */
    record Refused(ReasonCode reason, String why) implements Prospect {}

    /** @throws CheckOverrun if that cannot be said with this effort */
    static Prospect of(
            Routes routes, TopicName topicName, String clientId, String username, byte[] payload, Effort effort) {
        return switch (routes.resolve(topicName, clientId, username)) {
            case Resolution.Drop _ -> new Unmatched();
            case Resolution.Refuse(var failure) -> new Refused(failure.reason(), failure.why());
            case Resolution.Forward(var matches) -> {
                Failure first = null;
                for (var match : matches) {
                    var failure = match.failure(payload, effort);
                    if (failure == null) continue;
                    if (!match.route().hasDeadLetters()) yield new Refused(failure.reason(), failure.why());
                    if (first == null) first = failure;
                }
                if (first == null) yield new Forwarded();
                if (first.kind() == Failure.Kind.UNMATCHED) yield new UnmatchedDeadLetter();
                yield new DeadLettered(first.reason(), first.why());
            }
        };
    }
}
