package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * Finds who gets a message in the whole remote: clients that this gateway knows, and other gateways. Any thread may use it, and nobody
 * waits; alone it asks the {@link Router} and nobody else.
 */
public final class FleetRouter {
    private final Relay relay;
    private final Router router;
    private final RemoteInterest interest;
    private final AtomicInteger turn = new AtomicInteger();

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
        var wants = wants(topicName);
        if (wants == null) return new Routed(router.route(topicName, publisher), List.of(), false);
        var turns = new Turns(wants, qos);
        var matches = router.route(topicName, publisher, turns::choose);
        return new Routed(matches, turns.remote(), wants.hasShares());
    }

    /** Whether clients that are connected here may get messages of a topic. */
    public boolean hasListeners(TopicName topicName) {
        return router.hasListeners(topicName);
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
        for (var match : before) {
            if (match.shares().isEmpty()) continue;
            var now = gateways.get(match.gateway());
            var own = now == null ? Reach.NONE : now.own();
            gateways.put(match.gateway(), new RemoteMatch(match.gateway(), own, match.shares()));
        }
        return List.copyOf(gateways.values());
    }

    /**
     * A retained message that is committed, for sessions whose subscriptions have been told of since it was routed: who reads what is retained
     * once every gateway knows of a subscription may have read before the commit.
     *
     * @param publisher client id, for No Local
     */
    public Publication newcomers(Publication routed, String publisher) {
        if (relay.isAlone() || routed.stamp() == 0) return Publication.NOBODYS;
        var message = routed.message();
        var before =
                routed.kept().stream().map(kept -> kept.match().subscriber()).collect(Collectors.toSet());
        // Who is connected here is known at once, and gets it from here.
        var since = router.route(message.topicName(), publisher, _ -> null).stream()
                .filter(match -> match.isDurable(message) && match.subscriber().recipient() == null)
                .filter(match -> !before.contains(match.subscriber()))
                .toList();
        return since.isEmpty() ? Publication.NOBODYS : Publication.of(message, since);
    }

    /** Another gateway that has members of a Shared Subscription; null if there is none. */
    RemoteMatch another(String share, TopicName topicName, QoS qos) {
        var wants = wants(topicName);
        var elsewhere = wants == null ? List.<RemoteWant>of() : wants.share(share, qos);
        if (elsewhere.isEmpty()) return null;
        return new RemoteMatch(inTurn(elsewhere).gateway(), Reach.NONE, List.of(share));
    }

    private RemoteWant inTurn(List<RemoteWant> wants) {
        return wants.get(Math.floorMod(turn.getAndIncrement(), wants.size()));
    }

    /** Decides for one message which member of each Shared Subscription gets it, or which gateway that has some. */
    private final class Turns {
        private final RemoteWants wants;
        private final QoS qos;
        private final Set<String> decided = new HashSet<>();
        private final Map<Gateway, List<String>> given = new LinkedHashMap<>();

        Turns(RemoteWants wants, QoS qos) {
            this.wants = wants;
            this.qos = qos;
        }

        /** A member that is known here; null if there is none, or if another gateway gets it. */
        LiveSubscription choose(ShareGroup group) {
            var elsewhere = wants.share(group.filter(), qos);
            if (elsewhere.isEmpty()) return group.choose();
            decided.add(group.filter());
            var ready = group.chooseReady();
            if (ready != null) return ready;
            // Of a group that loses nothing while one of its sessions lasts, a message waits for a member that was
            // chosen here.
            if (qos != QoS.AT_MOST_ONCE && group.hasKept()) return group.choose();
            give(group.filter(), elsewhere);
            return null;
        }

        private void give(String share, List<RemoteWant> elsewhere) {
            given.computeIfAbsent(inTurn(elsewhere).gateway(), _ -> new ArrayList<>(1))
                    .add(share);
        }

        List<RemoteMatch> remote() {
            for (var share : wants.shares()) {
                var elsewhere = wants.share(share, qos);
                if (!elsewhere.isEmpty() && decided.add(share)) give(share, elsewhere);
            }
            var matches = new ArrayList<RemoteMatch>();
            for (var want : wants.own()) {
                var shares = given.remove(want.gateway());
                matches.add(new RemoteMatch(want.gateway(), want.reach(), shares == null ? List.of() : shares));
            }
            given.forEach((gateway, shares) -> matches.add(new RemoteMatch(gateway, Reach.NONE, shares)));
            return matches;
        }
    }
}
