package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.store.journal.QueueRooms;
import dev.sluice.store.journal.QueueRooms.Room;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Looks for a member of a Shared Subscription that can take a message which another's full queue has not taken, or whose session is gone: who
 * was not full lately is asked first, then all others. Used by the journal's lane.
 *
 * <p>A search that finds nobody asks for each member's queue, and until the next one there is a rest that is longer by far: a group that is
 * full costs its messages next to nothing.
 */
final class RoomSearch {
    /** So many members are asked for one message, at most: in a larger group it may find nobody although one has room. */
    static final int MOST = 16_384;

    private static final int FIRST_PAGE = 16;
    private static final int LARGEST_PAGE = 1024;
    private static final int REST_SHARE = 10;

    private final ShareGroup group;
    private final Message message;
    private final QueueRooms rooms;
    private int pageSize = FIRST_PAGE;

    RoomSearch(ShareGroup group, Message message, QueueRooms rooms) {
        this.group = group;
        this.message = message;
        this.rooms = rooms;
    }

    /** Null if all queues are full, or were a moment ago. */
    Member find() {
        var begun = System.nanoTime();
        if (group.isFull(begun)) return null;
        var found = first(Stream.concat(chosen(), group.able(message).filter(member -> !member.isFull())));
        if (found == null) found = first(group.able(message)); // the answers for those that were asked are known
        var now = System.nanoTime();
        if (found == null) group.fullUntil(now + REST_SHARE * (now - begun));
        return found;
    }

    /** The one that would get it without a search: who is ready comes first, and an order is kept as far as it can be. */
    private Stream<Member> chosen() {
        return Stream.ofNullable(group.another(message.qos(), message.topicName(), null, true, true));
    }

    private Member first(Stream<Member> members) {
        var asked = new ArrayList<LiveSubscription>();
        var each = members.limit(MOST).iterator();
        while (each.hasNext()) {
            var member = each.next();
            var isStored = member instanceof LiveSubscription known && new Match(known).isDurable(message);
            if (isStored) asked.add((LiveSubscription) member);
            if (isStored && asked.size() < pageSize) continue;
            var found = withRoom(asked);
            if (found != null) return found;
            if (!isStored) return member; // it is connected, and has no queue in PostgreSQL
            asked.clear();
            pageSize = Math.min(4 * pageSize, LARGEST_PAGE);
        }
        return withRoom(asked);
    }

    private LiveSubscription withRoom(List<LiveSubscription> asked) {
        if (asked.isEmpty()) return null;
        var bytes = message.bytes();
        var answers =
                rooms.of(asked.stream().map(it -> it.subscriber().sessionId()).toList(), bytes);
        LiveSubscription found = null;
        for (int i = 0; i < asked.size(); i++) {
            var subscriber = asked.get(i).subscriber();
            if (answers.get(i) == Room.GONE) subscriber.sessionIsGone();
            else if (answers.get(i) == Room.NONE) subscriber.queueIsFull();
            else if (found == null) found = asked.get(i);
        }
        if (found != null) {
            found.subscriber().queueHasRoom();
            rooms.take(found.subscriber().sessionId(), bytes);
        }
        return found;
    }
}
