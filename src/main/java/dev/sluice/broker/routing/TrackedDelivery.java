package dev.sluice.broker.routing;

import dev.sluice.cluster.RelayMessage;
import dev.sluice.packet.Message;
import dev.sluice.session.Receipt;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * A message that no client has published, on its way to everybody who is subscribed now: PostgreSQL keeps what it has to, then
 * those who are online get theirs and answer. One thread starts it and {@link #retry retries} it; the outcome comes once, on any thread.
 */
public final class TrackedDelivery {
    /** What has become of all copies. */
    public sealed interface Outcome {
        /** Nobody could get it now. */
        record Nobody() implements Outcome {}

        /** PostgreSQL will never keep this message. */
        record Refused() implements Outcome {}

        /** This gateway was taken for dead: to be tried again, by whoever has the message now. */
        record Fenced() implements Outcome {}

        /**
         * Every copy is settled or lost.
         *
         * @param reached subscribers that are owed nothing more: they have it, or can never have it
         * @param delivered how many of those have it, or will have it from PostgreSQL
         * @param rejected how many have answered with an error
         * @param expired how many copies were too late
         * @param lost how many copies may not have arrived, because the client is gone or its queue is full
         */
        record Settled(Set<SubscriberKey> reached, int delivered, int rejected, int expired, int lost)
                implements Outcome {}
    }

    /**
     * What all deliveries share.
     *
     * @param offers those to other gateways
     */
    record Ways(
            FleetRouter router,
            Journal journal,
            Deliveries deliveries,
            NotAcknowledging notAcknowledging,
            OffersToOthers offers) {}

    private final Ways ways;
    private final Message message;
    private final Publication publication;
    /** Other gateways, whose clients may want it. */
    private final List<RemoteMatch> others;

    private final Set<SubscriberKey> before;
    private final Consumer<Outcome> answer;
    private final Set<SubscriberKey> reached = ConcurrentHashMap.newKeySet();
    private final LongAdder delivered = new LongAdder();
    private final LongAdder expired = new LongAdder();
    private final LongAdder lost = new LongAdder();
    private final LongAdder rejected = new LongAdder();
    /** Subscribers that have not answered, or may not have got it. */
    private final Set<Match> owed = ConcurrentHashMap.newKeySet();
    /** What the other gateways were offered. */
    private final Set<OffersToOthers.Pending> offered = ConcurrentHashMap.newKeySet();

    private final AtomicInteger missing = new AtomicInteger();
    private JournalWrite unsubmitted;
    /** The run of this gateway in which it was begun. */
    private long run;
    /** Copies for those who have subscribed since it was routed; the journal's thread leaves them for the one that retries. */
    private volatile JournalWrite forNewcomers;
    /** Whether PostgreSQL makes it the retained message of its topic with this. */
    private boolean retain;
    /** Whether anybody could get it, or PostgreSQL retains it. */
    private volatile boolean any;

    private volatile boolean delivering;

    private TrackedDelivery(
            Ways ways,
            Message message,
            List<Match> matches,
            List<RemoteMatch> others,
            Set<SubscriberKey> before,
            Consumer<Outcome> answer) {
        this.ways = ways;
        this.publication = Publication.of(message, matches, List.of(), 0);
        this.message = message;
        this.others = others;
        this.before = before;
        this.answer = answer;
    }

    /**
     * Makes one for everybody who is subscribed at any gateway, to be {@link #start started}.
     *
     * @param reached subscribers that an earlier attempt has reached: they get nothing more
     * @param answer is told once what has become of all copies, on any thread
     */
    static TrackedDelivery toAll(Ways ways, Message message, Set<SubscriberKey> reached, Consumer<Outcome> answer) {
        var routed = ways.router().route(message.topicName(), null, message.qos());
        var matches = routed.matches().stream()
                .filter(match -> !reached.contains(SubscriberKey.of(match)))
                // To a session that is away, a message that is not kept cannot be offered.
                .filter(match -> match.isDurable(message) || match.subscriber().recipient() != null)
                .toList();
        var others =
                routed.remote().stream().filter(match -> match.isFor(message)).toList();
        return new TrackedDelivery(ways, message, matches, others, Set.copyOf(reached), answer);
    }

    /** Makes one of what another gateway has offered: for those here that PostgreSQL does not keep it for. */
    static TrackedDelivery toThese(Ways ways, Message message, List<Match> matches, Consumer<Outcome> answer) {
        return new TrackedDelivery(ways, message, matches, List.of(), Set.of(), answer);
    }

    /**
     * Never waits.
     *
     * @param from the name under which the journal orders the writes: those of one name are applied in turn
     * @param retain whether PostgreSQL is to make it the retained message of its topic
     */
    public void start(String from, boolean retain) {
        this.retain = retain;
        any = retain || publication.hasSubscribers();
        if (!any && others.isEmpty()) {
            answer.accept(new Outcome.Nobody());
        } else if (!retain && !publication.hasCopies()) {
            deliver();
        } else {
            run = ways.journal().run();
            unsubmitted = JournalWrite.Accept.unfenced(
                            from, message, publication.copies(), retain, outcome -> kept(from, outcome))
                    .since(run);
            retry();
        }
    }

    /** To be called again and again until the outcome is there: the journal may have had no room, or there is more for it. */
    public void retry() {
        if (unsubmitted != null && ways.journal().submit(unsubmitted)) unsubmitted = null;
        var more = forNewcomers;
        if (more != null && ways.journal().submit(more)) forNewcomers = null;
    }

    /** Whether PostgreSQL has committed its copies, and clients are waited for; from any thread. */
    public boolean isDelivering() {
        return delivering;
    }

    /** Whether somebody is waited for, and only subscribers that did not acknowledge an earlier message in time; from any thread. */
    public boolean isOwedOnlyToNotAcknowledging() {
        var anybody = false;
        for (var match : owed) { // in one pass: whoever is owed last may answer meanwhile
            if (!ways.notAcknowledging().contains(match)) return false;
            anybody = true;
        }
        for (var offer : offered) {
            if (offer.isAnswered()) continue;
            if (!offer.isLagging()) return false;
            anybody = true;
        }
        return anybody;
    }

    /**
     * Stops waiting for the subscribers that have not answered; from any thread.
     *
     * @return whether somebody was waited for until now
     */
    public boolean giveUp() {
        var anybody = false;
        for (var match : owed) anybody |= ways.notAcknowledging().add(match);
        for (var offer : offered) {
            anybody |= !offer.isAnswered() && !offer.isLagging();
            offer.withdraw();
        }
        return anybody;
    }

    /** On the journal's thread. */
    private void kept(String from, JournalWrite.Outcome outcome) {
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            answer.accept(outcome == JournalWrite.Outcome.FENCED ? new Outcome.Fenced() : new Outcome.Refused());
            return;
        }
        committed(publication);
        var newcomers = retain ? ways.router().newcomers(publication, null, before) : Publication.NOBODYS;
        if (newcomers.hasCopies()) keep(from, newcomers);
        else deliver();
    }

    private void keep(String from, Publication newcomers) {
        forNewcomers = JournalWrite.Accept.unfenced(from, message, newcomers.copies(), false, outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) committed(newcomers);
                    if (outcome == JournalWrite.Outcome.FENCED) answer.accept(new Outcome.Fenced());
                    else deliver();
                })
                .since(run);
    }

    private void committed(Publication some) {
        for (var one : some.kept()) settle(one.match(), outcome(one.copy()));
        some.committed();
    }

    /** The session may have ended meanwhile, or its queue may be full. */
    private static Receipt.Outcome outcome(Copy copy) {
        return copy.seq() > 0 ? Receipt.Outcome.DELIVERED : Receipt.Outcome.LOST;
    }

    private void deliver() {
        delivering = true;
        var others = others();
        missing.set(publication.live().size() + others.size() + 1);
        owed.addAll(publication.live());
        ways.deliveries().send(publication, match -> outcome -> {
            settle(match, outcome);
            countDown();
        });
        for (var other : others) offered.add(ways.offers().offer(other, message, before, this::answered));
        countDown();
    }

    /** Of those who subscribe while it is made the retained message, and do not find it yet, no gateway but their own knows before. */
    private List<RemoteMatch> others() {
        if (!retain) return others;
        return ways.router().again(message.topicName(), others).stream()
                .filter(match -> match.isFor(message))
                .toList();
    }

    private void settle(Match match, Receipt.Outcome outcome) {
        switch (outcome) {
            case DELIVERED -> delivered.increment();
            case REJECTED -> rejected.increment();
            case EXPIRED -> expired.increment();
            case TOO_LARGE -> {}
            case LOST -> lost.increment();
        }
        if (outcome == Receipt.Outcome.LOST) {
            owed.add(match);
        } else {
            owed.remove(match);
            ways.notAcknowledging().remove(match);
            reached.add(SubscriberKey.of(match));
        }
    }

    /** Another gateway says what has become of all copies there. */
    private void answered(RelayMessage.OfferOutcome receipt) {
        if (receipt.any()) any = true;
        for (var key : receipt.reached()) reached.add(new SubscriberKey(key.client(), key.share()));
        delivered.add(receipt.delivered());
        rejected.add(receipt.rejected());
        expired.add(receipt.expired());
        lost.add(receipt.lost());
        countDown();
    }

    private void countDown() {
        if (missing.decrementAndGet() > 0) return;
        answer.accept(
                any
                        ? new Outcome.Settled(
                                reached, delivered.intValue(), rejected.intValue(), expired.intValue(), lost.intValue())
                        : new Outcome.Nobody());
    }
}
