package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.session.Delivery;
import dev.sluice.session.Receipt;
import dev.sluice.store.journal.Copy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/**
 * One message and everybody who is owed it: those who get it at once, and those for whom PostgreSQL keeps it first. Made
 * and used by one thread at a time.
 */
public final class Publication {
    /** A message that nobody is owed. */
    public static final Publication NOBODYS = new Publication(null, List.of(), List.of());

    private final Message message;
    private final List<Match> live;
    private final List<Match> kept;
    private final List<Copy> copies;

    private Publication(Message message, List<Match> live, List<Match> kept) {
        this.message = message;
        this.live = live;
        this.kept = kept;
        this.copies = kept.stream()
                .map(match -> new Copy(
                        match.subscriber().clientId(),
                        match.subscriber().sessionId(),
                        match.qos(message),
                        match.retain(message),
                        match.identifiers(),
                        match.share()))
                .toList();
    }

    public static Publication of(Message message, List<Match> matches) {
        int first = 0;
        while (first < matches.size() && !matches.get(first).isDurable(message)) first++;
        if (first == matches.size()) return new Publication(message, matches, List.of());
        var live = new ArrayList<>(matches.subList(0, first));
        var kept = new ArrayList<Match>();
        kept.add(matches.get(first)); // each is asked once: a session may become durable meanwhile
        for (var match : matches.subList(first + 1, matches.size()))
            (match.isDurable(message) ? kept : live).add(match);
        return new Publication(message, live, kept);
    }

    /** Null if nobody is owed it. */
    public Message message() {
        return message;
    }

    public boolean hasSubscribers() {
        return !live.isEmpty() || !kept.isEmpty();
    }

    /** Whether PostgreSQL must have it before it is acknowledged: for sessions, or as the retained message of its topic. */
    public boolean isKept() {
        return message != null && (message.retain() || !kept.isEmpty());
    }

    /** Those who get it at once. */
    List<Match> live() {
        return live;
    }

    /** Those for whom PostgreSQL keeps it first, in the order of the copies. */
    List<Match> kept() {
        return kept;
    }

    /** One for each session that PostgreSQL keeps it for. */
    public List<Copy> copies() {
        return copies;
    }

    /**
     * Gives it to those who need not wait for PostgreSQL.
     *
     * @param underWay counts the deliveries until their connections look at them
     */
    public void deliver(LongAdder underWay) {
        deliver(underWay, null);
    }

    /** @param receipts makes for each copy the one that is told what becomes of it; null if nobody asks */
    public void deliver(LongAdder underWay, Function<Match, Receipt> receipts) {
        if (live.isEmpty()) return;
        var fanout = new Fanout(message, underWay, receipts);
        for (int i = 0; i < live.size(); i++) fanout.add(live.get(i));
        fanout.send();
    }

    /** The copies are committed: tells the clients that are online. */
    public void committed() {
        for (int i = 0; i < kept.size(); i++) {
            var match = kept.get(i);
            var seq = copies.get(i).seq();
            if (seq > 0) match.subscriber().told(delivery(match, seq));
        }
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
