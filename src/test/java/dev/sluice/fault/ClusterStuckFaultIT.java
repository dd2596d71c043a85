package dev.sluice.fault;

import static dev.sluice.fault.ClusterLoad.AGAIN;
import static dev.sluice.fault.ClusterLoad.LONE;
import static dev.sluice.fault.ClusterLoad.SOUND;
import static dev.sluice.fault.ClusterLoad.STRICT;
import static dev.sluice.fault.ClusterLoad.telemetry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.AckTimes;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What waits for a part of a cluster, and fills every bound that it may fill, takes nothing from those who wait for another part. On
 * request: {@code -Dcluster.stuck=true}.
 */
@EnabledIfSystemProperty(named = "cluster.stuck", matches = "true")
class ClusterStuckFaultIT {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofSeconds(5);
    /** That is over when Kafka's controller misses the broker (broker.session.timeout.ms), and its last request is answered. */
    private static final Duration MISSED = Duration.ofSeconds(9 + 3);

    private static final Duration PACE = Duration.ofMillis(10);
    private static final int LARGE = 16_384;
    /** A produce request is answered when its last partition is, or after this time: the others in it wait as long, again and again. */
    private static final String REQUEST_TIMEOUT = "-Dmp.messaging.outgoing.uplink.request.timeout.ms=1500";

    /** Each of the two has clients that send as much as may wait for one Kafka topic; together, as much as may wait for Kafka. */
    @Test
    void topicsThatTakeNothingLeaveRoomForTheOthers() {
        try (var servers = ClusterLoad.servers(
                        "cluster-full",
                        REQUEST_TIMEOUT,
                        "-Dsluice.uplink.bytes-in-flight=2097152",
                        "-Dsluice.uplink.bytes-in-flight-per-kafka-topic=1048576");
                var load = ClusterLoad.start(servers, LARGE, PACE, SOUND, LONE, STRICT)) {
            servers.cluster().kill(3);
            servers.cluster().awaitNodes(2);
            Fleet.runOn(MISSED);
            for (int i = 0; i < 5; i++) load.awaitProgress(SOUND, SOON);
            servers.cluster().start(3);
            load.awaitProgress(LONE, PATIENCE);
            load.awaitProgress(STRICT, PATIENCE);
            load.quiet();
            for (var name : List.of(SOUND, LONE, STRICT)) load.assertKept(name);
            load.assertUndisturbed(SOUND);
        }
    }

    @Test
    void aPartitionThatLosesItsReplicasPausesOthersUntilKafkaMissesThem() {
        try (var servers = ClusterLoad.servers("cluster-strict", REQUEST_TIMEOUT);
                var load = ClusterLoad.start(servers, 128, PACE, SOUND, STRICT)) {
            var start = System.nanoTime();
            servers.cluster().kill(3);
            servers.cluster().awaitNodes(2);
            Fleet.runOn(Duration.ofSeconds(1));
            var stuck = load.acknowledged(STRICT);
            Fleet.runOn(SOON);
            assertThat(load.acknowledged(STRICT))
                    .as("acknowledgements that Kafka has not given")
                    .isEqualTo(stuck);
            load.awaitProgress(SOUND, PATIENCE);
            assertThat(AckTimes.percentile(1, load.fleet(SOUND), start, System.nanoTime()))
                    .as("longest wait for an answer in ms")
                    .isLessThan(MISSED.toMillis());
            servers.cluster().start(3);
            load.awaitProgress(STRICT, PATIENCE);
            load.quiet();
            for (var name : List.of(SOUND, STRICT)) load.assertKept(name);
            load.assertUndisturbed(SOUND);
        }
    }

    /** After an outage of all brokers, one does not come back. */
    @Test
    void aPartitionWithoutALeaderStopsNoOtherRecordOfTheSpool() {
        try (var servers = ClusterLoad.servers(
                        "cluster-spool", "-Dsluice.uplink.outage=spool", "-Dsluice.uplink.outage-grace=1s");
                var load = ClusterLoad.start(servers, 128, PACE, SOUND, LONE, STRICT)) {
            for (int id = 1; id <= 3; id++) servers.cluster().kill(id);
            await("records of each in the spool").atMost(PATIENCE).until(() -> List.of(SOUND, LONE, STRICT).stream()
                    .allMatch(name -> spooled(servers, name) > 0));
            servers.cluster().start(1);
            servers.cluster().start(2);
            servers.cluster().awaitNodes(2);
            await("a topic that waits for nothing").atMost(PATIENCE).until(() -> spooled(servers, SOUND) == 0);
            assertThat(spooled(servers, LONE)).isPositive();
            load.awaitProgress(SOUND, SOON);
            servers.cluster().start(3);
            await("an empty spool").atMost(PATIENCE).until(() -> servers.query("SELECT count(*) FROM v_spool")
                    .equals("0"));
            load.quiet();
            await("the rest").atMost(PATIENCE).until(() -> servers.query("SELECT count(*) FROM v_spool")
                    .equals("0"));
            for (var name : List.of(SOUND, LONE, STRICT)) {
                load.assertKept(name);
                load.assertUndisturbed(name);
            }
        }
    }

    private static int spooled(Servers servers, String fleet) {
        return Integer.parseInt(servers.query("SELECT count(*) FROM v_spool WHERE kafka_topic = ?", telemetry(fleet)));
    }

    /** Messages for the partitions that are no more go to those that are there. */
    @Test
    void aTopicWithFewerPartitionsTakesWhatWaitsForThem() {
        try (var servers = ClusterLoad.servers("cluster-again");
                var load = ClusterLoad.start(servers, 128, PACE, SOUND, AGAIN)) {
            load.deleteTopics();
            Fleet.runOn(Duration.ofSeconds(1));
            load.makeTopicsAgain();
            load.awaitProgress(AGAIN, Duration.ofSeconds(30));
            load.quiet();
            await("nothing under way").until(() -> servers.metric("sluice_uplink_bytes_in_flight_bytes") == 0);
            load.assertKept(SOUND);
        }
    }
}
