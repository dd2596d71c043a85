package dev.sluice.broker.routing;

import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;

/**
 * Has PostgreSQL keep messages for members of Shared Subscriptions, in the name of no publisher who waits for it. Any thread may use it.
 *
 * @param noRoom run if the journal is full: nobody gets the message
 */
record UnfencedKeeping(Journal journal, Runnable noRoom) implements Deliveries.Keeping {
    @Override
    public void keep(Publication publication, Runnable then) {
        var write = JournalWrite.Accept.unfenced(
                publication.copies().getFirst().clientId(),
                publication.message(),
                publication.copies(),
                false,
                outcome -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run();
                });
        if (!journal.submit(write)) noRoom.run();
    }
}
