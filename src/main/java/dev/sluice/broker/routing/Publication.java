package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.session.Delivery;
import dev.sluice.store.journal.Copy;
import java.util.ArrayList;
import java.util.List;

/**
 * One message and everybody who is owed it: those who get it at once, and those for whom PostgreSQL keeps it first. Made
 * and used by one thread at a time.
 */
public final class Publication {
    /** A message that nobody is owed. */
    public static final Publication NOBODYS = new Publication(null, List.of(), List.of(), List.of(), 0);

    private final Message message;
    private final List<Match> live;
    private final List<Kept> kept;
    private final List<RemoteMatch> remote;
    private final long stamp;
    /** Members of Shared Subscriptions that could not take it, null for none. */
    private List<Match> missed;

    private Publication(Message message, List<Match> live, List<Kept> kept, List<RemoteMatch> remote, long stamp) {
        this.remote = remote;
        this.stamp = stamp;
        this.message = message;
        this.live = live;
        this.kept = kept;
    }

    public static Publication of(Message message, List<Match> matches) {
        return of(message, matches, List.of(), 0);
    }

    /** For the member of a Shared Subscription that was chosen; nobody's if it is null. */
    static Publication of(Message message, Member member) {
        return switch (member) {
            case null -> NOBODYS;
            case LiveSubscription known -> of(message, List.of(new Match(known)));
            case RemoteMember remote -> of(message, List.of(), List.of(RemoteMatch.of(remote)), 0);
        };
    }

    /** For those alone that are connected and that PostgreSQL does not keep it for. */
    static Publication ofConnected(Message message, List<Match> matches, List<RemoteMatch> remote) {
        var live = new ArrayList<Match>(matches.size());
        for (var match : matches)
            if (match.subscriber().recipient() != null && !match.isDurable(message)) live.add(match);
        return new Publication(message, live, List.of(), remote, 0);
    }

    /**
     * @param remote other gateways that may be owed it
     * @param stamp the one that it was announced with, to be retained; 0 if it was not announced
     */
    static Publication of(Message message, List<Match> matches, List<RemoteMatch> remote, long stamp) {
        int first = 0;
        while (first < matches.size() && !matches.get(first).isDurable(message)) first++;
        if (first == matches.size()) return new Publication(message, matches, List.of(), remote, stamp);
        var live = new ArrayList<>(matches.subList(0, first));
        var kept = new ArrayList<Kept>();
        kept.add(new Kept(matches.get(first), message)); // each is asked once: a session may become durable meanwhile
        for (var match : matches.subList(first + 1, matches.size()))
            if (match.isDurable(message)) kept.add(new Kept(match, message));
            else live.add(match);
        return new Publication(message, live, kept, remote, stamp);
    }

    /** Null if nobody is owed it. */
    public Message message() {
        return message;
    }

    /** What was announced as its topic's retained message, to be settled; 0 for nothing. */
    public long stamp() {
        return stamp;
    }

    public boolean hasSubscribers() {
        return isForThisGateway() || hasRemote();
    }

    /** Whether this gateway is to give it to somebody, or have PostgreSQL keep it. */
    boolean isForThisGateway() {
        return !live.isEmpty() || !kept.isEmpty();
    }

    /** Whether PostgreSQL must have it before it is acknowledged: for sessions, or as the retained message of its topic. */
    public boolean isKept() {
        return message != null && (message.retain() || !kept.isEmpty());
    }

    /** Whether another gateway is owed it, as far as was known when it was routed. */
    boolean hasRemote() {
        for (int i = 0; i < remote.size(); i++) if (remote.get(i).isFor(message)) return true;
        return false;
    }

    /** The other gateways that want messages of its topic. */
    List<RemoteMatch> remote() {
        return remote;
    }

    /** Those who get it at once. */
    List<Match> live() {
        return live;
    }

    /** Those for whom PostgreSQL keeps it first. */
    List<Kept> kept() {
        return kept;
    }

    /** Whether PostgreSQL keeps it for a session. */
    public boolean hasCopies() {
        return !kept.isEmpty();
    }

    /** One for each session that PostgreSQL keeps it for; they know their places once they are committed. */
    public List<Copy> copies() {
        return kept.stream().map(Kept::copy).toList();
    }

    /** The copies are committed: tells the clients that are online, and forgets the sessions that are gone. */
    public void committed() {
        for (var one : kept) {
            var seq = one.copy().seq();
            if (seq > 0) one.match().subscriber().tell(delivery(one.match(), seq));
            else if (seq == Copy.NOBODY) one.match().subscriber().sessionIsGone();
            else if (seq == Copy.WITHDRAWN) missed(one.match());
        }
    }

    /** The client cannot take it, or PostgreSQL is not to keep it for the client. */
    void missed(Match match) {
        if (match.share() == null || match.qos(message) == QoS.AT_MOST_ONCE) return;
        if (missed == null) missed = new ArrayList<>(1);
        missed.add(match);
    }

    /**
     * The same message with other members of Shared Subscriptions, in place of those who could not take it; asked once the copies are
     * committed, and again whenever it was sent.
     */
    Publication left() {
        if (missed == null) return NOBODYS;
        var others = new ArrayList<Match>(missed.size());
        var elsewhere = new ArrayList<RemoteMatch>(0);
        for (var match : missed)
            switch (match.another(message)) {
                case null -> {}
                case LiveSubscription known -> others.add(new Match(known));
                case RemoteMember remote -> elsewhere.add(RemoteMatch.of(remote));
            }
        missed = null;
        return others.isEmpty() && elsewhere.isEmpty() ? NOBODYS : of(message, others, elsewhere, 0);
    }

    private Delivery delivery(Match match, long seq) {
        return new Delivery(
                message,
                match.qos(message),
                match.retain(message),
                match.identifiers(),
                match.share(),
                seq,
                false,
                false);
    }
}
