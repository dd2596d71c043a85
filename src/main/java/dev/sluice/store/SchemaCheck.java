package dev.sluice.store;

import dev.sluice.config.StartOrder;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationVersion;
import org.jboss.logging.Logger;

/**
 * Finds out at the start whether PostgreSQL has the schema of a later version, and whether this one runs on it: {@code oldest_program}
 * says so. Used by the thread that starts, once the schema is migrated.
 */
@ApplicationScoped
class SchemaCheck {
    private static final Logger LOG = Logger.getLogger(SchemaCheck.class);

    /** @throws IllegalStateException when what this version uses is no more */
    void start(@Observes @Priority(StartOrder.POSTGRES_PROBE) StartupEvent event, Flyway flyway, DataSource dataSource)
            throws SQLException {
        laterVersion(flyway, dataSource).ifPresent(LOG::warn);
    }

    /** A sentence about the later version whose schema this is; empty if it is of this version. */
    static Optional<String> laterVersion(Flyway flyway, DataSource dataSource) throws SQLException {
        var migrations = flyway.info().all();
        var ours = newest(migrations, false);
        var theirs = newest(migrations, true);
        if (theirs.compareTo(ours) <= 0) return Optional.empty();
        var needed = Transaction.run(dataSource, connection -> {
            try (var select = connection.prepareStatement("SELECT migration FROM oldest_program")) {
                return Rows.longs(select).getFirst();
            }
        });
        var what = "PostgreSQL has the schema of a later version, V" + theirs + "; this one knows V" + ours;
        if (ours.compareTo(MigrationVersion.fromVersion(Long.toString(needed))) < 0)
            throw new IllegalStateException(
                    what + ", and V" + needed + " is the least that runs on it. Start that later version again,"
                            + " or restore the backup of before its start.");
        return Optional.of(what + ". It runs on it, as nothing has been taken away that it uses.");
    }

    /** @param isOfOthers whether those count that only PostgreSQL knows, and not those that this version has */
    private static MigrationVersion newest(MigrationInfo[] migrations, boolean isOfOthers) {
        return Arrays.stream(migrations)
                .filter(it -> it.isVersioned() && it.getState().isResolved() != isOfOthers)
                .map(MigrationInfo::getVersion)
                .max(Comparator.naturalOrder())
                .orElse(MigrationVersion.EMPTY);
    }
}
