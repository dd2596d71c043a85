package dev.sluice.store;

import dev.sluice.store.JournalWrite.CloseSession;
import dev.sluice.store.JournalWrite.ForgetReceived;
import dev.sluice.store.JournalWrite.Outcome;
import dev.sluice.store.JournalWrite.RememberReceived;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Writes that share one transaction, one statement for each kind, all in one round trip; confined to its lane's thread. */
final class JournalBatch {
    private static final int NO_PACKET = -1;

    private final List<JournalWrite> writes;
    private final List<JournalStatement> statements = new ArrayList<>(3);

    JournalBatch(List<JournalWrite> writes) {
        this.writes = writes;
        // Of several writes about one packet identifier the last one decides, and a statement may touch a row only
        // once.
        var lasts = new LinkedHashMap<Target, JournalWrite>();
        writes.forEach(write -> lasts.put(target(write), write));
        var remembers = new ArrayList<RememberReceived>();
        var forgets = new ArrayList<ForgetReceived>();
        var closes = new ArrayList<CloseSession>();
        for (var write : lasts.values()) {
            switch (write) {
                case RememberReceived remember -> remembers.add(remember);
                case ForgetReceived forget -> forgets.add(forget);
                case CloseSession close -> closes.add(close);
            }
        }
        if (!remembers.isEmpty()) {
            statements.add(JournalStatement.remember(remembers));
        }
        if (!forgets.isEmpty()) {
            statements.add(JournalStatement.forget(forgets));
        }
        // Last, since it deletes what the other two refer to.
        if (!closes.isEmpty()) {
            statements.add(JournalStatement.close(closes));
        }
    }

    /** What a write is about; closing is about the session itself. */
    private record Target(String clientId, long epoch, int packetId) {}

    private static Target target(JournalWrite write) {
        return switch (write) {
            case RememberReceived w -> new Target(w.clientId(), w.epoch(), w.packetId());
            case ForgetReceived w -> new Target(w.clientId(), w.epoch(), w.packetId());
            case CloseSession w -> new Target(w.clientId(), w.epoch(), NO_PACKET);
        };
    }

    /** Applies all in the connection's transaction; the outcomes, in the order of the writes, hold once it is committed. */
    List<Outcome> write(Connection connection) throws SQLException {
        var sql = statements.stream().map(JournalStatement::sql).collect(Collectors.joining(";\n"));
        var matched = HashSet.<Target>newHashSet(writes.size());
        try (var call = connection.prepareStatement(sql)) {
            int at = 1;
            for (var statement : statements) {
                at = statement.bind(call, at);
            }
            call.execute();
            for (var statement : statements) {
                collect(call, statement, matched);
                call.getMoreResults();
            }
        }
        return writes.stream()
                .map(write -> matched.contains(target(write)) ? Outcome.COMMITTED : Outcome.FENCED)
                .toList();
    }

    private static void collect(Statement call, JournalStatement statement, Set<Target> matched) throws SQLException {
        try (var numbers = call.getResultSet()) {
            while (numbers.next()) {
                matched.add(target(statement.writes().get((int) numbers.getLong(1) - 1)));
            }
        }
    }
}
