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

    Routed(List<Match> matches, List<RemoteMatch> remote, boolean hasShares) {
        this.matches = matches;
        this.remote = remote;
        this.lasting = !hasShares && isLasting(matches);
    }

    /** Whose turn it is in a Shared Subscription changes with each message. */
    private static boolean isLasting(List<Match> matches) {
        if (matches.size() > MOST_REMEMBERED) return false;
        for (int i = 0; i < matches.size(); i++) if (matches.get(i).share() != null) return false;
        return true;
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
