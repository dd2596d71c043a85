package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.QueueRooms;

/**
 * A client for which PostgreSQL keeps a message, with its copy there. Used by one thread at a time: of a Shared Subscription, the journal's
 * lane may put another member in the client's place before it tells that the copy is committed.
 */
final class Kept implements Copy.Substitution {
    /** So often another lane fills a queue that had room when this one asked; then the message stays where it is. */
    private static final int MOST_LOST = 16;

    private final Message message;
    private final Copy copy;
    private Match match;
    private int lost;

    Kept(Match match, Message message) {
        this.message = message;
        this.match = match;
        this.copy = new Copy(
                match.subscriber().clientId(),
                match.subscriber().sessionId(),
                match.qos(message),
                match.retain(message),
                match.identifiers(),
                match.share());
        if (match.share() != null) copy.substitutable(this);
    }

    Match match() {
        return match;
    }

    Copy copy() {
        return copy;
    }

    @Override
    public boolean substitute(QueueRooms rooms) {
        var isGone = copy.seq() == Copy.NOBODY;
        if (isGone) match.subscriber().sessionIsGone();
        else match.subscriber().queueIsFull();
        if (!isGone && lost++ == MOST_LOST) return false;
        var another = match.withRoom(message, rooms);
        // Where no queue has room, one that is full may push out what is older.
        if (another == null && isGone) another = match.another(message);
        if (another == null) return false;
        var other = another instanceof LiveSubscription known ? new Match(known) : null;
        if (other != null && other.isDurable(message)) {
            match = other;
            var subscriber = other.subscriber();
            copy.reassign(
                    subscriber.clientId(),
                    subscriber.sessionId(),
                    other.qos(message),
                    other.retain(message),
                    other.identifiers());
            return true;
        }
        if (copy.seq() <= 0) copy.withdraw(); // who is connected, here or elsewhere, gets it after the commit
        return false;
    }
}
