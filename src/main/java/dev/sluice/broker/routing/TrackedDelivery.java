package dev.sluice.broker.routing;

import dev.sluice.packet.Message;
import dev.sluice.session.Receipt;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
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

    private final Journal journal;
    private final Deliveries deliveries;
    private final NotAcknowledging notAcknowledging;
    private final Publication publication;
    private final Consumer<Outcome> answer;
    private final Set<SubscriberKey> reached = ConcurrentHashMap.newKeySet();
    private final LongAdder delivered = new LongAdder();
    private final LongAdder expired = new LongAdder();
    private final LongAdder lost = new LongAdder();
    private final LongAdder rejected = new LongAdder();
    /** Subscribers that have not answered, or may not have got it. */
    private final Set<Match> owed = ConcurrentHashMap.newKeySet();

    private final AtomicInteger missing = new AtomicInteger();
    private JournalWrite unsubmitted;
    private volatile boolean delivering;

    /**
     * Makes one, to be {@link #start started}.
     *
     * @param reached subscribers that an earlier attempt has reached: they get nothing more
     * @param answer is told once what has become of all copies, on any thread
     */
    public TrackedDelivery(
            Router router,
            Journal journal,
            Deliveries deliveries,
            NotAcknowledging notAcknowledging,
            Message message,
            Set<SubscriberKey> reached,
            Consumer<Outcome> answer) {
        this.journal = journal;
        this.deliveries = deliveries;
        this.notAcknowledging = notAcknowledging;
        this.answer = answer;
        var matches = router.route(message.topicName(), null).stream()
                .filter(match -> !reached.contains(SubscriberKey.of(match)))
                // To a session that is away, a message that is not kept cannot be offered.
                .filter(match -> match.isDurable(message) || match.subscriber().recipient() != null)
                .toList();
        this.publication = Publication.of(message, matches);
    }

    /**
     * Never waits.
     *
     * @param from the name under which the journal orders the writes: those of one name are applied in turn
     * @param retain whether PostgreSQL is to make it the retained message of its topic
     */
    public void start(String from, boolean retain) {
        if (!retain && !publication.hasSubscribers()) {
            answer.accept(new Outcome.Nobody());
        } else if (!retain && !publication.hasCopies()) {
            deliver();
        } else {
            unsubmitted =
                    JournalWrite.Accept.unfenced(from, publication.message(), publication.copies(), retain, this::kept);
            retry();
        }
    }

    /** Tries again if the journal had no room. */
    public void retry() {
        if (unsubmitted != null && journal.submit(unsubmitted)) unsubmitted = null;
    }

    /** Whether PostgreSQL has committed its copies, and clients are waited for; from any thread. */
    public boolean isDelivering() {
        return delivering;
    }

    /** Whether somebody is waited for, and only subscribers that did not acknowledge an earlier message in time; from any thread. */
    public boolean isOwedOnlyToNotAcknowledging() {
        var any = false;
        for (var match : owed) { // in one pass: whoever is owed last may answer meanwhile
            if (!notAcknowledging.contains(match)) return false;
            any = true;
        }
        return any;
    }

    /**
     * Stops waiting for the subscribers that have not answered; from any thread.
     *
     * @return whether somebody was waited for until now
     */
    public boolean giveUp() {
        var any = false;
        for (var match : owed) any |= notAcknowledging.add(match);
        return any;
    }

    /** On the journal's thread. */
    private void kept(JournalWrite.Outcome outcome) {
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            answer.accept(new Outcome.Refused());
            return;
        }
        for (var one : publication.kept()) settle(one.match(), outcome(one.copy()));
        publication.committed();
        deliver();
    }

    /** The session may have ended meanwhile, or its queue may be full. */
    private static Receipt.Outcome outcome(Copy copy) {
        return copy.seq() > 0 ? Receipt.Outcome.DELIVERED : Receipt.Outcome.LOST;
    }

    private void deliver() {
        delivering = true;
        missing.set(publication.live().size() + 1);
        owed.addAll(publication.live());
        deliveries.send(publication, match -> outcome -> {
            settle(match, outcome);
            countDown();
        });
        countDown();
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
            notAcknowledging.remove(match);
            reached.add(SubscriberKey.of(match));
        }
    }

    private void countDown() {
        if (missing.decrementAndGet() > 0) return;
        answer.accept(new Outcome.Settled(
                reached, delivered.intValue(), rejected.intValue(), expired.intValue(), lost.intValue()));
    }
}
