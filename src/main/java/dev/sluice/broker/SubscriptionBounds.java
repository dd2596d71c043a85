package dev.sluice.broker;

import dev.sluice.access.limit.Limit;
import dev.sluice.access.limit.Scope;
import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Subscriber;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicFilter;
import java.util.function.Supplier;

/** Decides whether one client may have one more subscription. Confined to the connection's event loop. */
final class SubscriptionBounds {
    private final Recipient connection;
    private final Supplier<ClientLimits> clientLimits;
    private final ConnectionParts parts;

    /** @param clientLimits the client's own, null while nothing is limited */
    SubscriptionBounds(Recipient connection, Supplier<ClientLimits> clientLimits, ConnectionParts parts) {
        this.connection = connection;
        this.clientLimits = clientLimits;
        this.parts = parts;
    }

    /** Whether the client may have it, which is answered if not; one that replaces another does not count. */
    boolean admit(TopicFilter filter, FilterAnswers answers) {
        if (filter.isServers() && !parts.sysTopics().isOn()) {
            answers.refuse(ReasonCode.NOT_AUTHORIZED, "the topics below $SYS/ are off (sluice.mqtt.sys-interval)");
            return false;
        }
        var subscriber = parts.router().find(connection.clientId());
        if (subscriber == null || subscriber.recipient() != connection) return isRoomFor(filter, answers);
        if (subscriber.subscriptions().containsKey(filter)) return true;
        return areFew(subscriber, answers)
                && (!filter.isShared() || areSharedFew(subscriber, filter, answers))
                && areShort(subscriber, filter, answers)
                && isRoomFor(filter, answers);
    }

    private boolean isRoomFor(TopicFilter filter, FilterAnswers answers) {
        if (parts.router().totals().hasRoomFor(filter)) return true;
        answers.exceed(
                "subscription-bytes-in-all",
                "the Topic Filters of all clients' subscriptions have "
                        + parts.config().subscriptionBytesInAll() + " bytes, as many as they may");
        return false;
    }

    private boolean areFew(Subscriber subscriber, FilterAnswers answers) {
        var usual = parts.config().subscriptionsMaximum();
        var limits = clientLimits.get();
        var most = limits == null ? usual : limits.subscriptions(usual);
        if (subscriber.subscriptions().size() < most) return true;
        parts.meters().subscriptionRefused();
        if (most < usual) limits.refused(Limit.SUBSCRIPTIONS, Scope.CLIENT);
        answers.exceed("subscriptions-maximum", "the client has " + most + " subscriptions, as many as it may");
        return false;
    }

    private boolean areSharedFew(Subscriber subscriber, TopicFilter filter, FilterAnswers answers) {
        if (subscriber.shared() >= parts.config().sharedSubscriptionsMaximum()) {
            var why = "the client has " + subscriber.shared() + " Shared Subscriptions, as many as it may";
            answers.exceed("shared-subscriptions-maximum", why);
            return false;
        }
        var most = parts.config().sharedSubscriptionsOverlapping();
        var overlapping = subscriber.subscriptions().keySet().stream()
                .filter(other -> other.isShared() && other.intersects(filter))
                .limit(most)
                .count();
        if (overlapping < most) return true;
        answers.exceed(
                "shared-subscriptions-overlapping",
                "the client has " + most + " Shared Subscriptions for the same messages, as many as it may");
        return false;
    }

    private boolean areShort(Subscriber subscriber, TopicFilter filter, FilterAnswers answers) {
        var most = parts.config().subscriptionBytesMaximum();
        if (subscriber.filterBytes() + filter.bytes() <= most) return true;
        answers.exceed(
                "subscription-bytes-maximum",
                "the client's Topic Filters have " + most + " bytes, as many as they may");
        return false;
    }
}
