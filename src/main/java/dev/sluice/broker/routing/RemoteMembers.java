package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.topic.TopicFilter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Owns which members of Shared Subscriptions are connected to other gateways, as these have announced it, and has the {@link Router} know
 * them. Confined to the relay's thread.
 */
final class RemoteMembers {
    private final Router router;
    private final Predicate<Gateway> lives;
    private final Map<Gateway, Source> sources = new HashMap<>();

    /** @param lives whether a gateway is there */
    RemoteMembers(Router router, Predicate<Gateway> lives) {
        this.router = router;
        this.lives = lives;
    }

    /** What one gateway has announced. */
    private static final class Source {
        private final Map<String, List<RemoteMember>> byClient = new HashMap<>();
        private final Set<String> busy = new HashSet<>();
        /** Of an earlier state, while it is telling its whole state anew: they count until it has. */
        private Set<RemoteMember> outdated = new HashSet<>();
    }

    void changed(Gateway from, Members letter) {
        var source = sources.computeIfAbsent(from, _ -> new Source());
        for (var change : letter.changes()) change(from, source, change);
    }

    private void change(Gateway from, Source source, RelayMessage.Member change) {
        var theirs = source.byClient.computeIfAbsent(change.clientId(), _ -> new ArrayList<>(1));
        var known = find(theirs, change);
        if (known != null && known.reach() == change.reach()) {
            source.outdated.remove(known);
            return;
        }
        if (change.reach() != Reach.NONE) {
            var filter = TopicFilter.ofWellFormed(change.share());
            var busy = source.busy.contains(change.clientId());
            var member = new RemoteMember(from, change.clientId(), change.sessionId(), filter, change.reach(), busy);
            theirs.add(member);
            router.enter(member);
        }
        if (known != null) remove(source, known);
        else forgetIfEmpty(source, change.clientId());
    }

    private static RemoteMember find(List<RemoteMember> theirs, RelayMessage.Member change) {
        for (var each : theirs)
            if (each.sessionId() == change.sessionId()
                    && each.filter().toString().equals(change.share())) return each;
        return null;
    }

    private void remove(Source source, RemoteMember member) {
        router.leave(member);
        source.outdated.remove(member);
        source.byClient.get(member.clientId()).remove(member);
        forgetIfEmpty(source, member.clientId());
    }

    private static void forgetIfEmpty(Source source, String clientId) {
        if (!source.byClient.get(clientId).isEmpty()) return;
        source.byClient.remove(clientId);
        source.busy.remove(clientId);
    }

    void ready(Gateway from, Readiness letter) {
        var source = sources.get(from);
        if (source == null) return;
        for (var clientId : letter.clientIds()) {
            var theirs = source.byClient.get(clientId);
            if (theirs == null) continue;
            if (letter.ready()) source.busy.remove(clientId);
            else source.busy.add(clientId);
            for (var member : theirs) member.busy(!letter.ready());
        }
    }

    /** It is gone, or is about to tell its whole state anew: all that it has announced counts no more, or until {@link #restated}. */
    void forget(Gateway gateway) {
        var source = sources.get(gateway);
        if (source == null) return;
        var all = new HashSet<RemoteMember>();
        for (var theirs : source.byClient.values()) all.addAll(theirs);
        if (lives.test(gateway)) {
            source.outdated = all;
            source.busy.clear(); // those that are, it tells again
            all.forEach(member -> member.busy(false));
        } else {
            sources.remove(gateway);
            all.forEach(router::leave);
        }
    }

    /** It has told its whole state. */
    void restated(Gateway gateway) {
        var source = sources.get(gateway);
        if (source == null) return;
        for (var member : List.copyOf(source.outdated)) remove(source, member);
    }
}
