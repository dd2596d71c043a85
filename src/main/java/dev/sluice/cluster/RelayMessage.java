package dev.sluice.cluster;

import dev.sluice.packet.Message;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.StoredSubscription;
import java.util.List;

/** What gateways tell each other. Immutable. */
public sealed interface RelayMessage {
    /** For every gateway: written to the board, partition 0 of the relay topic. */
    sealed interface ToAll extends RelayMessage {}

    /** For one gateway: written to its mailbox. */
    sealed interface ToOne extends RelayMessage {}

    /** What a gateway wants of a Topic Filter for the clients that are connected to it. */
    enum Reach {
        /** Nothing any more. */
        NONE,
        /** What its clients are to get at QoS 0 of messages of QoS 0: all of them are owed the rest by PostgreSQL. */
        AT_MOST_ONCE,
        /** Every message. */
        ALL
    }

    /**
     * @param filter as sent, with the prefix of a Shared Subscription
     * @param reach that holds from now on
     */
    record Wanted(String filter, Reach reach) {}

    /** Topic Filters that clients connected to the sender have or have no more, as far as that has changed. */
    record Interest(List<Wanted> changes) implements ToAll {}

    /**
     * A client that is connected to the sender, and a member of a Shared Subscription.
     *
     * @param share filter of the Shared Subscription, as sent
     * @param reach what it is to get through the sender from now on; {@link Reach#NONE} if it is no member there any more
     */
    record Member(String clientId, long sessionId, String share, Reach reach) {}

    /** Members of Shared Subscriptions that are connected to the sender or are no more, as far as that has changed. */
    record Members(List<Member> changes) implements ToAll {}

    /** Members of Shared Subscriptions that are connected to the sender can take messages again, or have too much to do. */
    record Readiness(boolean ready, List<String> clientIds) implements ToAll {}

    /**
     * A session that outlives its connection has these subscriptions now; they are committed.
     *
     * @param epoch of the connection that has written it
     */
    record Subscribed(String clientId, long sessionId, long epoch, List<StoredSubscription> subscriptions)
            implements ToAll {}

    /**
     * A session that outlives its connection has these Topic Filters no more; it is committed.
     *
     * @param epoch of the connection that has written it
     */
    record Unsubscribed(String clientId, long sessionId, long epoch, List<String> filters) implements ToAll {}

    /** Sessions are over. */
    record Ended(List<EndedSession> sessions) implements ToAll {}

    /**
     * A message for clients connected to the addressee that PostgreSQL does not keep it for.
     *
     * @param publisher client id, for No Local; null if no client has published it, or if it has been passed on since no member of the Shared
     *     Subscription was left at another gateway: then it is passed on no further
     * @param own whether those with subscriptions of their own get it
     * @param chosen members of Shared Subscriptions that get it
     */
    record Live(Message message, String publisher, boolean own, List<Chosen> chosen) implements ToOne {}

    /** The member of a Shared Subscription whose turn it is; if it cannot take the message, another one gets it. */
    record Chosen(String share, String clientId) {}

    /** Queues have messages up to these places; they are committed. */
    record Queued(List<Place> places) implements ToOne {}

    /** The last message in a session's queue. */
    record Place(String clientId, long sessionId, long seq) {}

    /** The client's session is held by a later connection to the sender. The answer is {@link Yielded}. */
    record TakenOver(String clientId, long epoch) implements ToOne {}

    /**
     * No connection to the sender holds the client's session any more, and what its end leaves in PostgreSQL is written.
     *
     * @param epoch as in {@link TakenOver}
     * @param sentSeq the last place of the queue that it has sent to the client; 0 if that is not known
     */
    record Yielded(String clientId, long epoch, long sentSeq) implements ToOne {}

    /**
     * A command for clients connected to the addressee that PostgreSQL does not keep it for; they answer for it.
     *
     * @param number of the offer, at its sender
     * @param own whether those with subscriptions of their own get it
     * @param chosen members of Shared Subscriptions that get it
     * @param reached subscribers that an earlier offer has reached: they get nothing more
     */
    record Offer(long number, Message message, boolean own, List<Chosen> chosen, List<Reached> reached)
            implements ToOne {}

    /**
     * A subscriber over several attempts.
     *
     * @param client client id, null for a Shared Subscription
     * @param share filter of the Shared Subscription, null for a client
     */
    record Reached(String client, String share) {}

    /**
     * What has become of an offer: every copy is settled or lost.
     *
     * @param any whether anybody there could get it
     * @param reached subscribers that are owed nothing more
     * @param delivered how many of those have it
     * @param rejected how many have answered with an error
     * @param expired how many copies were too late
     * @param lost how many copies may not have arrived
     */
    record OfferOutcome(
            long number, boolean any, List<Reached> reached, int delivered, int rejected, int expired, int lost)
            implements ToOne {}

    /** An offer is owed only to subscribers that did not acknowledge an earlier message in time. */
    record Lagging(long number) implements ToOne {}

    /** The sender waits no longer for the answer to an offer. */
    record Withdrawn(long number) implements ToOne {}
}
