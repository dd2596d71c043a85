package dev.sluice.broker.routing;

import dev.sluice.broker.Broker;
import dev.sluice.packet.Message;
import dev.sluice.session.Receipt;
import dev.sluice.store.journal.Copy;
import dev.sluice.store.journal.JournalWrite;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * A message that no client has published, on its way to everybody who is subscribed now: PostgreSQL keeps what it has to, then
 * those who are online get theirs and answer. Started and {@link #retry retried} by one thread; tells once, on any.
 */
public final class Offer {
    /** What has become of all copies. */
    public sealed interface Outcome {
        /** There is nobody to whom it could go, now. */
        record Nobody() implements Outcome {}

        /** PostgreSQL will never keep this message. */
        record Refused() implements Outcome {}

        /**
         * Every copy is done with, or lost.
         *
         * @param reached who is owed nothing more: has it, or cannot have it
         * @param delivered how many of those have it, or will have it from PostgreSQL
         * @param rejected how many have answered with an error
         * @param expired how many copies were too late
         * @param lost how many copies may not have come, because the client is gone or its queue is full
         */
        record Settled(Set<Addressee> reached, int delivered, int rejected, int expired, int lost) implements Outcome {}
    }

    private final Broker broker;
    private final Publication publication;
    private final Consumer<Outcome> told;
    private final Set<Addressee> reached = ConcurrentHashMap.newKeySet();
    private final LongAdder delivered = new LongAdder();
    private final LongAdder expired = new LongAdder();
    private final LongAdder lost = new LongAdder();
    private final LongAdder rejected = new LongAdder();
    /** Who has not answered, or may not have got it. */
    private final Set<Match> owed = ConcurrentHashMap.newKeySet();

    private final AtomicInteger missing = new AtomicInteger();
    private JournalWrite unsubmitted;
    private volatile boolean delivering;

    public Offer(Broker broker, Message message, Set<Addressee> reached, Consumer<Outcome> told) {
        this.broker = broker;
        this.told = told;
        var matches = broker.router().route(message.topicName(), null).stream()
                .filter(match -> !reached.contains(Addressee.of(match)))
                // To a session that is away, a message that is not kept cannot be offered.
                .filter(match -> match.isDurable(message) || match.subscriber().connection() != null)
                .toList();
        this.publication = Publication.of(message, matches);
    }

    /**
     * Never waits.
     *
     * @param from who orders what it offers; the writes of one go one after the other
     * @param retain whether PostgreSQL is to make it the retained message of its topic
     */
    public void start(String from, boolean retain) {
        if (!retain && !publication.hasSubscribers()) {
            told.accept(new Outcome.Nobody());
        } else if (!retain && publication.copies().isEmpty()) {
            deliver();
        } else {
            unsubmitted =
                    JournalWrite.Accept.unfenced(from, publication.message(), publication.copies(), retain, this::kept);
            retry();
        }
    }

    /** Goes on where the journal had no room. */
    public void retry() {
        if (unsubmitted != null && broker.journal().submit(unsubmitted)) unsubmitted = null;
    }

    /** Whether PostgreSQL has what it has to keep, and clients are waited for; from any thread. */
    public boolean isDelivering() {
        return delivering;
    }

    /** Whether nobody is waited for but those who did not acknowledge what they were offered before, if anybody; from any thread. */
    public boolean isOwedToLaggardsAlone() {
        return !owed.isEmpty() && owed.stream().allMatch(broker.laggards()::contains);
    }

    /**
     * Who has not answered is not waited for any more; from any thread.
     *
     * @return whether somebody was waited for until now
     */
    public boolean giveUp() {
        var any = false;
        for (var match : owed) any |= broker.laggards().add(match);
        return any;
    }

    /** On the journal's thread. */
    private void kept(JournalWrite.Outcome outcome) {
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            told.accept(new Outcome.Refused());
            return;
        }
        for (int i = 0; i < publication.kept().size(); i++)
            settle(publication.kept().get(i), outcome(publication.copies().get(i)));
        publication.committed();
        deliver();
    }

    /** Its session may have ended meanwhile, or its queue be full. */
    private static Receipt.Outcome outcome(Copy copy) {
        return copy.seq() > 0 ? Receipt.Outcome.DELIVERED : Receipt.Outcome.LOST;
    }

    private void deliver() {
        delivering = true;
        missing.set(publication.live().size() + 1);
        owed.addAll(publication.live());
        publication.deliver(broker.underWay(), match -> outcome -> {
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
            broker.laggards().remove(match);
            reached.add(Addressee.of(match));
        }
    }

    private void countDown() {
        if (missing.decrementAndGet() > 0) return;
        told.accept(new Outcome.Settled(
                reached, delivered.intValue(), rejected.intValue(), expired.intValue(), lost.intValue()));
    }
}
