package dev.sluice.broker;

import dev.sluice.access.rule.CachedRights;
import dev.sluice.access.rule.Permission;
import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.session.Delivery;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.List;

/**
 * What the rules let one client do; counts what they do not. There is none while the rules are off. Confined to the connection's event loop.
 */
final class ClientRights {
    static final String NOT_PUBLISHED = "the rules do not let the client publish this";

    private final CachedRights rights;
    private final BrokerMeters meters;
    private final String clientId;
    /** Whether what waits for it may be of a subscription that it has lost meanwhile. */
    private boolean isDoubtful;

    private ClientRights(CachedRights rights, BrokerMeters meters, String clientId) {
        this.rights = rights;
        this.meters = meters;
        this.clientId = clientId;
    }

    /** Null if everything is allowed. */
    static ClientRights of(RulesInForce rules, BrokerMeters meters, Requester requester) {
        if (rules.rules() == null) return null;
        var rights = new CachedRights(rules::rules, requester);
        rights.refresh();
        return new ClientRights(rights, meters, requester.clientId());
    }

    boolean mayPublish(Packet.Publish publish) {
        if (rights.mayPublish(publish.topicName(), publish.qos(), publish.retain())) return true;
        meters.denied(
                "publish",
                () -> "client " + TraceText.line(clientId) + " may not publish to "
                        + TraceText.line(publish.topicName().toString()) + " at QoS "
                        + publish.qos().ordinal()
                        + (publish.retain() ? ", retained" : ""));
        return false;
    }

    /** What is granted of a subscription that is asked for; null if nothing is, which is answered. */
    Subscription granted(Subscription asked, TopicFilter filter, FilterAnswers answers) {
        var permission = rights.subscribe(filter, asked.maximumQoS());
        if (permission.isAllowed()) return permission.qos() == asked.maximumQoS() ? asked : asked.at(permission.qos());
        denied("subscribe", filter.toString(), permission);
        answers.refuse(
                ReasonCode.NOT_AUTHORIZED,
                "the rules do not let the client subscribe to all that a Topic Filter matches");
        return null;
    }

    private void denied(String action, String filter, Permission permission) {
        meters.denied(
                action,
                () -> "client " + TraceText.line(clientId) + " may not subscribe to " + TraceText.line(filter) + ": "
                        + permission.sentence());
    }

    /** What is left of a subscription that it has; null for nothing. */
    StoredSubscription left(StoredSubscription stored) {
        if (TopicFilter.mistake(stored.filter()).isPresent()) return stored; // nobody takes it for one
        var permission = rights.subscribe(TopicFilter.of(stored.filter()), stored.qos());
        if (permission.isAllowed()) return permission.qos() == stored.qos() ? stored : stored.at(permission.qos());
        denied("subscription", stored.filter(), permission);
        isDoubtful = true;
        return null;
    }

    /** @param lost takes the filters of those that it may no longer have */
    List<StoredSubscription> left(List<StoredSubscription> stored, List<String> lost) {
        var left = new ArrayList<StoredSubscription>(stored.size());
        for (var each : stored) {
            var one = left(each);
            if (one == null) lost.add(each.filter());
            else left.add(one);
        }
        return left;
    }

    /** A row of the queue may be of a subscription that it has lost, whichever gateway has queued it, and when. */
    boolean mayBeGiven(Delivery delivery) {
        var topicName = delivery.message().topicName();
        return isDoubtful || delivery.seq() > 0 ? rights.receives(topicName) : rights.mayReceive(topicName);
    }

    /** Takes up the rules in force, and who the client is now; false if they say what they have said. */
    boolean haveChangedFor(Requester requester) {
        rights.become(requester);
        return rights.refresh();
    }
}
