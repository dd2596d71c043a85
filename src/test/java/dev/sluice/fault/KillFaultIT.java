package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.packet.QoS;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** SIGKILL at any moment loses nothing that was acknowledged. */
class KillFaultIT {
    private static final int KILLS = 10;

    /** What the journal held when the gateway died. */
    private record Death(long millis, Set<String> messageIds) {}

    @Test
    void tenKillsLoseNothingAcknowledged() throws SQLException {
        var seed = System.nanoTime();
        var random = new Random(seed);
        try (var servers = Servers.start("kill");
                var fleet = new Fleet(servers.port())) {
            fleet.add(10, QoS.AT_LEAST_ONCE, Duration.ofMillis(3));
            fleet.add(10, QoS.EXACTLY_ONCE, Duration.ofMillis(3));
            fleet.awaitProgress(Duration.ofSeconds(20), 20, fleet.all());
            var deaths = new ArrayList<Death>();
            var restarts = new ArrayList<Long>();
            for (int i = 0; i < KILLS; i++) {
                Fleet.runOn(Duration.ofMillis(random.nextInt(2000)));
                deaths.add(kill(servers));
                restarts.add(restart(servers, fleet));
            }
            fleet.quiet(Duration.ofSeconds(30));
            var account = Account.of(servers.kafka().bootstrap(), Servers.KAFKA_TOPIC, fleet.all());
            System.out.printf("kill: seed %d, first acknowledgement after a kill in ms %s%n", seed, restarts);
            System.out.printf(
                    "kill: %s; held by the journal at the kills %s%n",
                    account.report(),
                    deaths.stream().map(death -> death.messageIds().size()).toList());
            account.assertKept();
            for (var death : deaths) account.assertNotProducedAfter(death.millis(), death.messageIds());
            assertThat(fleet.all())
                    .allSatisfy(publisher -> assertThat(publisher.disconnects()).isEmpty());
        }
    }

    private static Death kill(Servers servers) throws SQLException {
        servers.gateway().process().kill();
        return new Death(System.currentTimeMillis(), journalled(servers.postgres()));
    }

    /** Starts the next gateway; the time in milliseconds until every publisher has an acknowledgement. */
    private static long restart(Servers servers, Fleet fleet) {
        var start = System.nanoTime();
        servers.startGateway();
        fleet.awaitProgress(Duration.ofSeconds(30), 1, fleet.all());
        return Duration.ofNanos(System.nanoTime() - start).toMillis();
    }

    private static Set<String> journalled(EmbeddedPostgresServer postgres) throws SQLException {
        try (var connection = DriverManager.getConnection(postgres.jdbcUrl(), EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT message_id FROM received")) {
            var ids = new HashSet<String>();
            while (rows.next()) ids.add(rows.getString(1));
            return ids;
        }
    }
}
