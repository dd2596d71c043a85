package dev.sluice.store;

import dev.sluice.config.StoreConfig;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;

/** Opens sessions; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class SessionStore {
    private static final String OPEN = "SELECT * FROM open_session(?, ?, ?::smallint, ?, ?, ?)";

    private final DataSource dataSource;
    private final StoreHealth health;
    private final BoundedCalls calls;
    private final Timer opening;

    SessionStore(DataSource dataSource, StoreConfig config, StoreHealth health, MeterRegistry metrics) {
        this.dataSource = dataSource;
        this.health = health;
        this.calls = new BoundedCalls(config.openConcurrency(), config.openTimeout());
        this.opening = metrics.timer("sluice.session.open");
    }

    /** {@code username} may be null; {@code expirySeconds} 0 ends with the connection, 4294967295 never. */
    public record OpenRequest(
            String clientId, boolean cleanStart, int protocolLevel, long expirySeconds, String username, String node) {}

    /** {@code present}: an unexpired earlier session was resumed; {@code received} is what it still holds, else empty. */
    public record OpenedSession(boolean present, long epoch, List<ReceivedPublish> received) {}

    /** A QoS 2 PUBLISH that was taken and waits for its PUBREL. */
    public record ReceivedPublish(int packetId, String messageId) {}

    /**
     * Opens or resumes under a new epoch, which fences every earlier owner; concurrent opens of one client id take turns. Returns or
     * throws within {@code sluice.store.open-timeout}.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     * @throws IllegalArgumentException when PostgreSQL refuses the row, such as for a client id longer than 2,048 bytes
     */
    public OpenedSession open(OpenRequest request) {
        if (!health.available()) {
            throw new StoreUnavailable("PostgreSQL does not answer", null);
        }
        var sample = Timer.start();
        try {
            return calls.call(() -> openOnLiveConnection(request));
        } catch (ExecutionException failed) {
            throw asUnchecked(failed.getCause());
        } catch (TimeoutException late) {
            throw new StoreUnavailable("opening a session: " + late.getMessage(), late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnavailable("interrupted while opening a session", interrupted);
        } finally {
            sample.stop(opening);
        }
    }

    /** After a restart of PostgreSQL the pool may hand out connections that died since; each fails once and is dropped. */
    private OpenedSession openOnLiveConnection(OpenRequest request) throws SQLException {
        while (true) {
            try (var connection = dataSource.getConnection()) {
                try {
                    return Transaction.run(connection, c -> ask(c, request));
                } catch (SQLException failure) {
                    if (Failure.of(failure) != Failure.CONNECTION
                            || Thread.currentThread().isInterrupted()) {
                        throw failure;
                    }
                }
            }
        }
    }

    private static OpenedSession ask(Connection connection, OpenRequest request) throws SQLException {
        try (var statement = connection.prepareStatement(OPEN)) {
            statement.setString(1, request.clientId());
            statement.setBoolean(2, request.cleanStart());
            statement.setInt(3, request.protocolLevel());
            statement.setLong(4, request.expirySeconds());
            statement.setString(5, request.username());
            statement.setString(6, request.node());
            try (var rows = statement.executeQuery()) {
                rows.next();
                return new OpenedSession(rows.getBoolean(1), rows.getLong(2), received(rows));
            }
        }
    }

    private static List<ReceivedPublish> received(ResultSet row) throws SQLException {
        var packetIds = row.getArray(3);
        if (packetIds == null) {
            return List.of();
        }
        var ids = (Integer[]) packetIds.getArray();
        var messageIds = (String[]) row.getArray(4).getArray();
        var received = new ArrayList<ReceivedPublish>(ids.length);
        for (int i = 0; i < ids.length; i++) {
            received.add(new ReceivedPublish(ids[i], messageIds[i]));
        }
        return List.copyOf(received);
    }

    private static RuntimeException asUnchecked(Throwable cause) {
        return switch (cause) {
            case SQLException refused
            when Failure.of(refused) == Failure.REFUSAL ->
                new IllegalArgumentException("PostgreSQL refuses the session: " + refused.getMessage(), refused);
            case SQLException failed -> new StoreUnavailable("opening a session: " + failed.getMessage(), failed);
            default -> new IllegalStateException(cause);
        };
    }
}
