package dev.sluice.broker.routing;

/**
 * Who is owed one copy of a message: a client, or whichever member of a Shared Subscription it went to.
 *
 * @param client client id, null for a Shared Subscription
 * @param share filter of the Shared Subscription, null for a client
 */
public record Addressee(String client, String share) {
    static Addressee of(Match match) {
        return match.share() == null
                ? new Addressee(match.subscriber().clientId(), null)
                : new Addressee(null, match.share());
    }
}
