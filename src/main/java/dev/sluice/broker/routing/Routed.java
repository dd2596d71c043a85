package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import java.util.List;

/** Who gets a message of a topic: clients that this gateway knows, and other gateways. Used by one thread at a time. */
public final class Routed {
    /** Each publisher remembers by itself, and what it remembers is counted nowhere. */
    private static final int MOST_REMEMBERED = 16;

    private final List<Match> matches;
    private final List<RemoteMatch> remote;
    private final boolean lasting;

    /** @param hasShares whether a Shared Subscription matches: whose turn it is changes with each message */
    Routed(List<Match> matches, List<RemoteMatch> remote, boolean hasShares) {
        this.matches = matches;
        this.remote = remote;
        this.lasting = !hasShares && matches.size() <= MOST_REMEMBERED;
    }

    /** Whether it may be used for further messages of the topic, and is small; as long as nobody subscribes or leaves. */
    public boolean isLasting() {
        return lasting;
    }

    public boolean isNobody() {
        return matches.isEmpty() && remote.isEmpty();
    }

    /** @param stamp the one that it was announced with, to be retained; 0 if it was not announced */
    public Publication publication(Message message, long stamp) {
        return Publication.of(message, matches, remote, stamp);
    }

    List<Match> matches() {
        return matches;
    }

    List<RemoteMatch> remote() {
        return remote;
    }
}
