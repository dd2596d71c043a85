package dev.sluice.broker.routing;

/**
 * Identifies a subscriber of a message over several attempts: a client, or a Shared Subscription, whichever member is chosen.
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
