package dev.sluice.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.SideBySide;
import dev.sluice.tools.KafkaRecords;
import dev.sluice.tools.Tail;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The servers of {@code ./sluice run} and of the fault tests: killed and frozen, they keep what they have acknowledged. */
class EmbeddedServersIT {
    private static final String TOPIC = "fleet.telemetry";
    private static final Duration PATIENT = Duration.ofSeconds(60);
    /** How long a broker that was killed is taken for alive, and keeps the next one out. */
    private static final Map<String, String> SHORT_SESSION =
            Map.of("broker.session.timeout.ms", "3000", "broker.heartbeat.interval.ms", "500");

    @TempDir
    Path folder;

    @SideBySide
    @Test
    void kafkaKeepsItsRecordsWhenItIsKilled() throws Exception {
        var port = Ports.free();
        try (var kafka = EmbeddedKafka.start(port, folder, SHORT_SESSION)) {
            produce(kafka.bootstrap(), "one", PATIENT);
            kafka.process().kill();
            assertThat(kafka.process().isAlive()).isFalse();
        }
        try (var kafka = EmbeddedKafka.start(port, folder, SHORT_SESSION)) {
            assertThat(values(kafka.bootstrap())).containsExactly("one");
            kafka.process().freeze();
            assertThatThrownBy(() -> produce(kafka.bootstrap(), "two", Duration.ofSeconds(1)))
                    .isInstanceOf(Exception.class);
            kafka.process().thaw();
            produce(kafka.bootstrap(), "three", PATIENT);
            await().untilAsserted(() -> assertThat(values(kafka.bootstrap())).contains("one", "three"));
        }
    }

    @SideBySide
    @Test
    void postgresKeepsItsRowsWhenItIsKilled() throws Exception {
        var port = Ports.free();
        try (var postgres = EmbeddedPostgresServer.start(port, folder)) {
            execute(postgres, "CREATE TABLE kept (value INT)");
            execute(postgres, "INSERT INTO kept VALUES (1)");
            assertThat(postgres.process().processes()).hasSizeGreaterThan(3);
            postgres.process().kill();
            assertThatThrownBy(() -> execute(postgres, "INSERT INTO kept VALUES (2)"))
                    .isInstanceOf(SQLException.class);
        }
        try (var postgres = EmbeddedPostgresServer.start(port, folder)) {
            assertThat(execute(postgres, "DELETE FROM kept")).isEqualTo(1);
        }
    }

    private static int execute(EmbeddedPostgresServer postgres, String sql) throws SQLException {
        try (var connection = DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private static List<String> values(String bootstrap) {
        var values = new ArrayList<String>();
        try (var records = KafkaRecords.fromBeginning(bootstrap, TOPIC)) {
            records.readToEnd(record -> values.add(Tail.readable(record.value())));
        }
        return values;
    }

    private static void produce(String bootstrap, String value, Duration time)
            throws InterruptedException, ExecutionException, TimeoutException {
        var millis = Long.toString(time.toMillis());
        // Without the second one its end would wait for a frozen broker.
        var config = Map.<String, Object>of(
                "bootstrap.servers", bootstrap, "max.block.ms", millis, "request.timeout.ms", millis);
        var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        try {
            producer.send(new ProducerRecord<>(TOPIC, value.getBytes(StandardCharsets.UTF_8)))
                    .get(time.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            producer.close(Duration.ZERO);
        }
    }
}
