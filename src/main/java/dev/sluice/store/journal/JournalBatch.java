package dev.sluice.store.journal;

import dev.sluice.store.journal.JournalWrite.Accept;
import dev.sluice.store.journal.JournalWrite.Acknowledge;
import dev.sluice.store.journal.JournalWrite.AssignPacketId;
import dev.sluice.store.journal.JournalWrite.CloseSession;
import dev.sluice.store.journal.JournalWrite.ForgetReceived;
import dev.sluice.store.journal.JournalWrite.MarkReceived;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.JournalWrite.Spool;
import dev.sluice.store.journal.JournalWrite.Subscribe;
import dev.sluice.store.journal.JournalWrite.Unsubscribe;
import dev.sluice.store.journal.SessionStatements.Owner;
import dev.sluice.store.journal.SessionStatements.SubscriptionChange;
import dev.sluice.store.session.StoredSubscription;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Writes that share one transaction, one statement for each kind, all in one round trip; confined to its lane's thread.
 *
 * <p>The order of the statements is the order of locks that the migration names: sessions, as strongly as any statement needs them; what
 * belongs to the lane's own clients, the end of their sessions included; queues; retained topics. A lane that waits for another one's queues
 * holds no row that the other one could wait for, at whichever gateway that is.
 */
final class JournalBatch {
    private final List<JournalWrite> writes;
    private final LaneState lane;
    private final long number;
    /** What was written by an attempt whose commit may have failed; null if none came as far. */
    private Written written;

    JournalBatch(List<JournalWrite> writes, LaneState lane) {
        this.writes = writes;
        this.lane = lane;
        this.number = lane.nextBatch();
    }

    /**
     * What holds once the transaction is committed.
     *
     * @param outcomes in the order of the writes
     * @param orphans messages that may have lost their last copy
     * @param excess sessions whose queues are to be trimmed
     * @param retained stamps of the messages that were not older than what was retained
     * @param elsewhere queues that have got something, of sessions connected to other gateways
     */
    record Written(
            List<Outcome> outcomes,
            List<Long> orphans,
            List<Long> excess,
            Set<Long> retained,
            List<QueuedElsewhere> elsewhere) {}

    /** Whether an attempt failed at its commit, and none has found out since what became of it. */
    boolean isInDoubt() {
        return written != null;
    }

    /**
     * Applies all in the connection's transaction. Called again after an attempt that failed, it first finds out whether that one was
     * committed nevertheless, and then applies nothing.
     */
    Written write(Connection connection) throws SQLException {
        if (written != null && lane.lastCommitted(connection) == number) return written;
        written = null;
        var lost = new Lost();
        var attempt = new Attempt(connection, writes, List.of());
        while (!attempt.run(connection)) {
            // Rare: a session was taken over with writes under way, or this gateway was taken for dead. The others
            // begin again without them. Or a member of a Shared Subscription has another one in its place.
            connection.rollback();
            if (attempt.failure != null) find(lost, connection, attempt);
            attempt = new Attempt(
                    connection,
                    writes.stream().filter(write -> !lost.has(write)).toList(),
                    only(CloseSession.class, writes).stream()
                            .filter(close -> !close.publishWill() && lost.has(close))
                            .toList());
        }
        written = new Written(
                writes.stream().map(lost::outcome).toList(),
                attempt.orphans(),
                attempt.enqueue.excess(),
                attempt.retained,
                attempt.enqueue.elsewhere(lane.node()));
        return written;
    }

    /** Adds those whose sessions have other owners, and those of a dead run, in a transaction that leaves no locks. */
    private void find(Lost lost, Connection connection, Attempt attempt) throws SQLException {
        var owners = SessionStatements.lost(connection, attempt.owners);
        var living = attempt.since == JournalWrite.ANY_RUN ? JournalWrite.ANY_RUN : lane.living(connection);
        if (owners.isEmpty() && attempt.since >= living) throw attempt.failure;
        lost.owners.addAll(owners);
        lost.clients.addAll(SessionStatements.gone(connection, owners));
        lost.living = Math.max(lost.living, living);
        connection.rollback();
    }

    /** What is known of the writes of a batch that are not to be written. */
    private static final class Lost {
        private final Set<Owner> owners = new HashSet<>();
        /** Those of them that have no session at all. */
        private final Set<String> clients = new HashSet<>();
        /** What was begun before this run is of one that is dead. */
        private long living = JournalWrite.ANY_RUN;

        boolean has(JournalWrite write) {
            var since = runOf(write);
            return owners.contains(owner(write)) || since != JournalWrite.ANY_RUN && since < living;
        }

        Outcome outcome(JournalWrite write) {
            if (!has(write)) return Outcome.COMMITTED;
            return owners.contains(owner(write)) && clients.contains(write.clientId()) ? Outcome.GONE : Outcome.FENCED;
        }
    }

    private static Owner owner(JournalWrite write) {
        return new Owner(write.clientId(), write.epoch());
    }

    private static boolean isFenced(JournalWrite write) {
        return switch (write) {
            case Spool _ -> false;
            case Accept accept -> accept.epoch() != JournalWrite.NO_FENCE || accept.packetId() != 0;
            default -> true;
        };
    }

    /** Of one that no session fences. */
    private static long runOf(JournalWrite write) {
        return isFenced(write) ? JournalWrite.ANY_RUN : write.since();
    }

    private static long earliestRun(List<JournalWrite> writes) {
        var runs = writes.stream().mapToLong(JournalBatch::runOf).filter(run -> run != JournalWrite.ANY_RUN);
        return runs.min().orElse(JournalWrite.ANY_RUN);
    }

    private static <W> List<W> only(Class<W> kind, Collection<? extends JournalWrite> writes) {
        var some = new ArrayList<W>();
        for (var write : writes) if (kind.isInstance(write)) some.add(kind.cast(write));
        return some;
    }

    private record Packet(String clientId, int packetId) {}

    private record Filter(String clientId, String filter) {}

    /** The statements of the writes that are not known to be fenced. */
    private final class Attempt {
        private final List<JournalStatement> statements = new ArrayList<>();
        private final List<Owner> owners;
        /** The earliest run that one of the writes was begun in, of those that others may be at. */
        private final long since;

        private final List<Long> acknowledged = new ArrayList<>();
        private final Set<Long> retained = new HashSet<>();
        private final Enqueue enqueue;
        /** Why it has been ended by the fence; null if it has not. */
        private SQLException failure;

        /** @param late closes of connections that had lost their session before, and that withdraw their wills */
        Attempt(Connection connection, List<JournalWrite> writes, List<CloseSession> late) throws SQLException {
            this.owners = writes.stream()
                    .filter(JournalBatch::isFenced)
                    .map(JournalBatch::owner)
                    .distinct()
                    .toList();
            this.since = earliestRun(writes);
            var closes = new LinkedHashMap<String, CloseSession>();
            only(CloseSession.class, writes).forEach(close -> closes.put(close.clientId(), close));
            if (!owners.isEmpty()) statements.add(SessionStatements.fence(owners, !closes.isEmpty()));
            addReceived(writes);
            addSubscriptions(writes);
            var marks = only(MarkReceived.class, writes);
            if (!marks.isEmpty()) statements.add(DeliveryStatements.markReceived(marks));
            var assigns = only(AssignPacketId.class, writes);
            if (!assigns.isEmpty()) statements.add(DeliveryStatements.assignPacketIds(assigns));
            var acknowledges = only(Acknowledge.class, writes);
            if (!acknowledges.isEmpty())
                statements.add(DeliveryStatements.acknowledge(acknowledges, row -> acknowledged.add(row.getLong(1))));
            if (!closes.isEmpty()) statements.add(SessionStatements.close(List.copyOf(closes.values())));
            if (!late.isEmpty()) statements.add(SessionStatements.withdrawWills(late));
            var accepts = only(Accept.class, writes);
            var wills = accepts.stream().filter(it -> it.will() != 0).toList();
            if (!wills.isEmpty()) statements.add(DeliveryStatements.willsDelivered(wills));
            this.enqueue = new Enqueue(
                    connection,
                    lane.numbers(),
                    accepts.stream().filter(it -> !it.copies().isEmpty()).toList());
            statements.addAll(enqueue.statements(lane.bounds()));
            addFanouts(accepts);
            addRetained(accepts);
            var spooled = only(Spool.class, writes).stream()
                    .flatMap(spool -> spool.rows().stream())
                    .toList();
            if (!spooled.isEmpty()) statements.addAll(SpoolStatements.spool(connection, spooled, lane.id()));
            if (since != JournalWrite.ANY_RUN) statements.add(lane.alive(since));
            if (!statements.isEmpty()) statements.add(lane.committing(number));
        }

        /** A statement may touch a row only once: of several writes about one packet identifier the last one decides. */
        private void addReceived(List<JournalWrite> writes) {
            var lasts = new LinkedHashMap<Packet, JournalWrite>();
            for (var write : writes) {
                switch (write) {
                    case Accept it when it.packetId() > 0 -> lasts.put(new Packet(it.clientId(), it.packetId()), it);
                    case ForgetReceived it -> lasts.put(new Packet(it.clientId(), it.packetId()), it);
                    default -> {}
                }
            }
            var remembers = only(Accept.class, lasts.values());
            if (!remembers.isEmpty()) statements.add(SessionStatements.remember(remembers));
            var forgets = only(ForgetReceived.class, lasts.values());
            if (!forgets.isEmpty()) statements.add(SessionStatements.forget(forgets));
        }

        private void addSubscriptions(List<JournalWrite> writes) {
            var lasts = new LinkedHashMap<Filter, SubscriptionChange>();
            for (var write : writes) {
                switch (write) {
                    case Subscribe it -> {
                        for (int i = 0; i < it.subscriptions().size(); i++)
                            put(
                                    lasts,
                                    it,
                                    it.subscriptions().get(i),
                                    it.retained().get(i));
                    }
                    case Unsubscribe it ->
                        it.filters()
                                .forEach(each -> lasts.put(
                                        new Filter(it.clientId(), each),
                                        new SubscriptionChange(it.clientId(), each, null, Subscribe.NO_RETAINED)));
                    default -> {}
                }
            }
            var begun = lasts.values().stream()
                    .filter(it -> it.subscription() != null)
                    .toList();
            if (!begun.isEmpty()) statements.add(SessionStatements.subscribe(begun));
            var ended = lasts.values().stream()
                    .filter(it -> it.subscription() == null)
                    .toList();
            if (!ended.isEmpty()) statements.add(SessionStatements.unsubscribe(ended));
        }

        private static void put(
                Map<Filter, SubscriptionChange> lasts,
                JournalWrite write,
                StoredSubscription subscription,
                long retained) {
            var filter = new Filter(write.clientId(), subscription.filter());
            var before = lasts.remove(filter);
            // What an earlier SUBSCRIBE of the same batch owes is not in PostgreSQL yet.
            var owed = retained == Subscribe.RETAINED_AS_BEFORE && before != null ? before.retained() : retained;
            lasts.put(filter, new SubscriptionChange(write.clientId(), subscription.filter(), subscription, owed));
        }

        private void addFanouts(List<Accept> accepts) {
            for (var accept : accepts) {
                if (accept.part() == null) continue;
                statements.add(FanoutStatements.of(accept));
                if (accept.part().isLast())
                    acknowledged.add(accept.part().whole().messageId());
            }
        }

        private void addRetained(List<Accept> accepts) {
            var newest = new LinkedHashMap<Object, Accept>();
            for (var accept : accepts)
                if (accept.retain())
                    newest.merge(
                            accept.message().topicName(),
                            accept,
                            (one, other) -> one.stamp() > other.stamp() ? one : other);
            if (newest.isEmpty()) return;
            statements.add(
                    DeliveryStatements.retain(List.copyOf(newest.values()), row -> retained.add(row.getLong(1))));
        }

        /** Whether it is done; false if all is to be undone, because of sessions with other owners or of other copies. */
        boolean run(Connection connection) throws SQLException {
            if (statements.isEmpty()) return true;
            try {
                execute(connection);
            } catch (SQLException fenced) {
                if (!SessionStatements.isFenced(fenced)) throw fenced;
                failure = fenced;
                return false;
            }
            enqueue.place();
            return !enqueue.substitute(connection, lane.bounds());
        }

        private void execute(Connection connection) throws SQLException {
            var sql = statements.stream().map(JournalStatement::sql).collect(Collectors.joining(";\n"));
            try (var call = connection.prepareStatement(sql)) {
                var at = 1;
                for (var statement : statements) at = statement.bind(call, at);
                call.execute();
                for (var statement : statements) {
                    if (statement.answer() != null) {
                        try (var rows = call.getResultSet()) {
                            while (rows.next()) statement.answer().take(rows);
                        }
                    }
                    call.getMoreResults();
                }
            }
        }

        List<Long> orphans() {
            acknowledged.addAll(enqueue.orphans());
            return acknowledged;
        }
    }
}
