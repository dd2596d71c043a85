package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Relay;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds who gets a message in the whole remote: clients that this gateway knows, and other gateways. Any thread may use it, and nobody
 * waits; alone it asks the {@link Router} and nobody else.
 */
public final class FleetRouter {
    private final Relay relay;
    private final Router router;
    private final RemoteInterest interest;

    FleetRouter(Relay relay, Router router, RemoteInterest interest) {
        this.relay = relay;
        this.router = router;
        this.interest = interest;
    }

    /**
     * Finds who gets a message.
     *
     * @param publisher client id, or null; as {@link Router#route}
     */
    public Routed route(TopicName topicName, String publisher, QoS qos) {
        var routing = router.route(topicName, publisher, qos);
        var wants = wants(topicName);
        var isForUs = wants == null && routing.elsewhere().isEmpty();
        var remote = isForUs ? List.<RemoteMatch>of() : remote(wants, routing.elsewhere());
        return new Routed(routing.matches(), remote, routing.hasShares());
    }

    private static List<RemoteMatch> remote(RemoteWants wants, List<RemoteMember> members) {
        var gateways = new LinkedHashMap<Gateway, RemoteMatch>();
        if (wants != null)
            for (var want : wants.own())
                gateways.put(want.gateway(), new RemoteMatch(want.gateway(), want.reach(), List.of()));
        for (var member : members) gateways.merge(member.gateway(), RemoteMatch.of(member), RemoteMatch::with);
        return List.copyOf(gateways.values());
    }

    /** Whether clients that are connected here may get messages of a topic. */
    public boolean hasListeners(TopicName topicName) {
        return router.hasListeners(topicName);
    }

    /**
     * A message that another gateway was giving to clients when it ended, with those that are connected anywhere: they may have it or not. What
     * PostgreSQL keeps, it has.
     *
     * @param publisher client id, for No Local
     */
    public Publication connected(Message message, String publisher) {
        var routed = route(message.topicName(), publisher, message.qos());
        return Publication.ofConnected(message, routed.matches(), routed.remote());
    }

    /** A message with nobody but other gateways, for subscriptions of their own there. */
    public Publication elsewhere(Message message) {
        return Publication.of(message, List.of(), again(message.topicName(), List.of()), 0);
    }

    /** What other gateways want of a topic; null for nothing. */
    private RemoteWants wants(TopicName topicName) {
        return relay.isAlone() || interest.isEmpty() ? null : interest.find(topicName);
    }

    /** Changes with every change of what clients subscribe to, here or elsewhere, after it. */
    public long version() {
        return router.version() + interest.version();
    }

    /**
     * The other gateways that want a message which was routed before, those included that have come to want it since; whose turn it is in
     * Shared Subscriptions stays as it was.
     */
    List<RemoteMatch> again(TopicName topicName, List<RemoteMatch> before) {
        var gateways = new LinkedHashMap<Gateway, RemoteMatch>();
        var wants = wants(topicName);
        if (wants != null)
            for (var want : wants.own())
                gateways.put(want.gateway(), new RemoteMatch(want.gateway(), want.reach(), List.of()));
        for (var match : before)
            if (!match.chosen().isEmpty()) gateways.merge(match.gateway(), match.withoutOwn(), RemoteMatch::with);
        return List.copyOf(gateways.values());
    }

    /**
     * A retained message that is committed, for sessions whose subscriptions have been told of since it was routed: who reads what is retained
     * once every gateway knows of a subscription may have read before the commit.
     *
     * @param publisher client id, for No Local
     */
    public Publication newcomers(Publication routed, String publisher) {
        return routed.stamp() == 0 ? Publication.NOBODYS : newcomers(routed, publisher, Set.of());
    }

    /**
     * The same for one that is announced by the journal.
     *
     * @param reached subscribers that have it
     */
    Publication newcomers(Publication routed, String publisher, Set<SubscriberKey> reached) {
        if (relay.isAlone()) return Publication.NOBODYS;
        var message = routed.message();
        var before =
                routed.kept().stream().map(kept -> kept.match().subscriber()).collect(Collectors.toSet());
        // Who is connected here is known at once, and gets it from here.
        var since = router.routeToOwn(message.topicName(), publisher).stream()
                .filter(match -> match.isDurable(message) && match.subscriber().recipient() == null)
                .filter(match -> !before.contains(match.subscriber()) && !reached.contains(SubscriberKey.of(match)))
                .toList();
        return since.isEmpty() ? Publication.NOBODYS : Publication.of(message, since);
    }
}
