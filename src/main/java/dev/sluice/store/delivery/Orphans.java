package dev.sluice.store.delivery;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.store.Rows;
import dev.sluice.store.Transaction;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/**
 * Deletes shared messages that nobody is owed any more; any thread may name suspects, one thread at a time deletes.
 *
 * <p>Whoever deletes a copy names its message after the commit. Of two that delete the last two copies at the same time, each would still see
 * the other's copy if they looked themselves; the later one that names the message here finds both gone. And the lanes do not spend
 * their time on looking. What a killed gateway did not look at is found by {@link #search}, slowly; faster once too many were named.
 */
@ApplicationScoped
public class Orphans {
    private static final int MOST_SUSPECTS = 200_000;
    private static final int ROWS = 1000;
    /** In one search, after suspects were dropped. */
    private static final int PAGES_BEHIND = 50;

    private static final String DELETE = """
            DELETE FROM message m WHERE m.id = ANY (ARRAY(
                SELECT id FROM message WHERE id = ANY (?) ORDER BY id FOR UPDATE))
               AND NOT EXISTS (SELECT FROM queued q WHERE q.message_id = m.id)
               AND NOT EXISTS (SELECT FROM fanout f WHERE f.message_id = m.id)""";

    /** Of publishers that have not sent their message again; far longer than any outage that a lane could be waiting for the end of. */
    private static final String FORGET_FANOUTS = """
            DELETE FROM fanout f
             WHERE f.written_at < now() - interval '30 days' AND NOT EXISTS (SELECT FROM session s WHERE s.id = f.session_id)""";

    private static final String NEXT = "SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?";

    private final DataSource dataSource;
    private final BlockingQueue<Long> suspects = new ArrayBlockingQueue<>(MOST_SUSPECTS);
    private final Counter foundBySearch;
    private final Counter dropped;
    private final ThrottledLog full = new ThrottledLog(Logger.getLogger(Orphans.class));
    private long searchedUpTo;
    /** The round that a search is in, and a whole one, once suspects were dropped. */
    private final AtomicInteger roundsBehind = new AtomicInteger();

    public Orphans(DataSource dataSource, MeterRegistry meters) {
        this.dataSource = dataSource;
        this.foundBySearch = Counter.builder("sluice.message.orphans")
                .description("messages without copies that only the search found")
                .register(meters);
        this.dropped = Counter.builder("sluice.message.suspects.dropped")
                .description("messages whose copies were deleted and that are left to the search, as too many were")
                .register(meters);
    }

    /** Names messages that may have lost their last copy, after the commit that deleted it; beyond what fits, the search finds them. */
    public void suspect(Collection<Long> messages) {
        var left = messages.stream().filter(message -> !suspects.offer(message)).count();
        if (left == 0) return;
        dropped.increment(left);
        roundsBehind.set(2);
        full.warn(
                "copies of messages are deleted faster than the messages can be looked at: rows of table message are left to a search");
    }

    /** Blocking: deletes those of the suspects that nobody is owed, and returns how many. */
    public int reap() throws SQLException {
        var total = 0;
        var some = new ArrayList<Long>();
        while (suspects.drainTo(some, ROWS) > 0) {
            try {
                total += delete(new LinkedHashSet<>(some));
            } catch (SQLException failure) {
                suspect(some);
                throw failure;
            }
            some.clear();
        }
        return total;
    }

    /** Whether a search has to find suspects of this gateway that were too many. */
    boolean areDropped() {
        return roundsBehind.get() > 0;
    }

    /** Blocking: looks at the next messages in the order of their numbers, all over again once through; returns how many it deleted. */
    int search() throws SQLException {
        var deleted = searchPage();
        for (int page = 1; page < PAGES_BEHIND && roundsBehind.get() > 0; page++) deleted += searchPage();
        return deleted;
    }

    private int searchPage() throws SQLException {
        var some = Transaction.run(dataSource, this::next);
        searchedUpTo = some.size() < ROWS ? 0 : some.getLast();
        if (searchedUpTo == 0) roundsBehind.updateAndGet(rounds -> Math.max(0, rounds - 1));
        var deleted = some.isEmpty() ? 0 : delete(new LinkedHashSet<>(some));
        foundBySearch.increment(deleted);
        return deleted;
    }

    private List<Long> next(Connection connection) throws SQLException {
        try (var forget = connection.prepareStatement(FORGET_FANOUTS)) {
            forget.executeUpdate();
        }
        try (var next = connection.prepareStatement(NEXT)) {
            next.setLong(1, searchedUpTo);
            next.setInt(2, ROWS);
            return Rows.longs(next);
        }
    }

    private int delete(Set<Long> messages) throws SQLException {
        return Transaction.run(dataSource, connection -> {
            try (var delete = connection.prepareStatement(DELETE)) {
                delete.setArray(1, connection.createArrayOf("int8", messages.toArray(Long[]::new)));
                return delete.executeUpdate();
            }
        });
    }
}
