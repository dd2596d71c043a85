package dev.sluice.broker.routing;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Decides which member of a Shared Subscription gets the next message. Any thread may use it. */
final class ShareGroup {
    private final AtomicInteger turn = new AtomicInteger();
    private int members;

    /** One member more; under the router's lock. */
    void joined() {
        members++;
    }

    /** One member less; returns how many are left. */
    int left() {
        return --members;
    }

    /** Takes turns among the members that can take a message now, else among those online, else among all [MQTT-4.8.2-3]. */
    LiveSubscription choose(List<LiveSubscription> members) {
        var best = Integer.MAX_VALUE;
        var count = 0;
        for (var member : members) {
            var rank = member.subscriber().rank();
            if (rank < best) {
                best = rank;
                count = 0;
            }
            if (rank == best) count++;
        }
        var nth = Math.floorMod(turn.getAndIncrement(), count);
        for (var member : members) if (member.subscriber().rank() == best && nth-- == 0) return member;
        return members.getFirst(); // ranks have changed meanwhile
    }
}
