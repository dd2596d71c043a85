package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** The embedded Kafka and PostgreSQL, as far as the settings do not name others; closed in order by one thread. */
public final class Backends implements AutoCloseable {
    private final Optional<EmbeddedKafka> kafka;
    private final Optional<EmbeddedPostgresServer> postgres;

    private Backends(Optional<EmbeddedKafka> kafka, Optional<EmbeddedPostgresServer> postgres) {
        this.kafka = kafka;
        this.postgres = postgres;
    }

    /** Refuses ports that are taken, before anything starts. */
    static void requireFreePorts(Settings settings) {
        if (settings.foreignKafka().isEmpty()) {
            Settings.requireFree(settings.kafkaPort(), "Kafka", Settings.KAFKA_PORT);
        }
        if (settings.foreignPostgres().isEmpty()) {
            Settings.requireFree(settings.postgresPort(), "PostgreSQL", Settings.POSTGRES_PORT);
        }
    }

    /** Starts both side by side; when one fails the other is closed. */
    public static Backends start(Settings settings) {
        var postgres =
                CompletableFuture.supplyAsync(() -> settings.foreignPostgres().isPresent()
                        ? Optional.<EmbeddedPostgresServer>empty()
                        : Optional.of(EmbeddedPostgresServer.start(settings.postgresPort(), settings.data())));
        var kafka = CompletableFuture.supplyAsync(() -> settings.foreignKafka().isPresent()
                ? Optional.<EmbeddedKafka>empty()
                : Optional.of(EmbeddedKafka.start(settings.kafkaPort(), settings.data())));
        try {
            return kafka.thenCombine(postgres, Backends::new).join();
        } catch (CompletionException e) {
            kafka.thenAccept(started -> started.ifPresent(EmbeddedKafka::close));
            postgres.thenAccept(started -> started.ifPresent(EmbeddedPostgresServer::close));
            if (e.getCause() instanceof Complaint complaint) {
                throw complaint;
            }
            throw e;
        }
    }

    /** Of the embedded PostgreSQL, which has to be there. */
    public ServerProcess postgres() {
        return postgres.orElseThrow().process();
    }

    List<ServerProcess> processes() {
        var processes = new ArrayList<ServerProcess>();
        kafka.map(EmbeddedKafka::process).ifPresent(processes::add);
        postgres.map(EmbeddedPostgresServer::process).ifPresent(processes::add);
        return processes;
    }

    /** Ends both at once, for tests: nobody wants what they would write at a calm end. */
    public void kill() {
        processes().forEach(ServerProcess::kill);
    }

    @Override
    public void close() {
        kafka.ifPresent(EmbeddedKafka::close);
        postgres.ifPresent(EmbeddedPostgresServer::close);
    }
}
