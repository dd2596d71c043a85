package dev.sluice.broker.routing;

/**
 * Who is owed one copy of a message: a client, or whichever member of a Shared Subscription it went to.
 *
 * @param client client id, null for a Shared Subscription
 * @param share filter of the Shared Subscription, null for a client
 */
public record SubscriberKey(String client, String share) {
    static SubscriberKey of(Match match) {
        return match.share() == null
                ? new SubscriberKey(match.subscriber().clientId(), null)
                : new SubscriberKey(null, match.share());
    }
}
