package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;

/** Publishers of both QoS for Kafka topics that fare differently when broker 3 of a cluster is gone; used by the test's thread. */
final class ClusterLoad implements AutoCloseable {
    static final String DOWNLINK = "sluice.downlink";
    private static final String AGAIN_DOWNLINK = "again.downlink";

    /** Able to take records while one of the brokers 1 and 2 is there. */
    static final String SOUND = "sound";
    /** With one replica. */
    static final String LONE = "lone";
    /** With two replicas that both have to be in sync. */
    static final String STRICT = "strict";
    /** To be deleted, and made again with fewer partitions. */
    static final String AGAIN = "again";

    private static final List<String> ALL = List.of(SOUND, LONE, STRICT, AGAIN);

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int EACH_QOS = 4;

    private final Servers servers;
    private final Map<String, Fleet> fleets = new HashMap<>();

    private ClusterLoad(Servers servers) {
        this.servers = servers;
    }

    /** Starts a cluster with the topics and a gateway with the routes to them; options go before. */
    static Servers servers(String name, String... javaOptions) {
        var routes = ALL.stream()
                .flatMap(fleet -> Stream.of(
                        "-Dsluice.uplink.routes." + fleet + ".filter=" + fleet + "/+/telemetry",
                        "-Dsluice.uplink.routes." + fleet + ".kafka-topic=" + telemetry(fleet)));
        var downlink = "-Dsluice.downlink.topics=" + DOWNLINK + "," + AGAIN_DOWNLINK;
        var options = Stream.of(routes, Stream.of(downlink), Stream.of(javaOptions))
                .flatMap(it -> it)
                .toArray(String[]::new);
        return Servers.startWithCluster(name, topics(), options);
    }

    private static List<NewTopic> topics() {
        var sound = List.of(List.of(1, 2), List.of(2, 1), List.of(1, 2), List.of(2, 1));
        return List.of(
                topic(telemetry(SOUND), sound),
                topic(DOWNLINK, sound),
                topic(Servers.KAFKA_TOPIC, sound),
                topic("sluice.dead-letter", List.of(List.of(1, 2))),
                topic(telemetry(LONE), List.of(List.of(3))),
                topic(telemetry(STRICT), List.of(List.of(2, 3))).configs(Map.of("min.insync.replicas", "2")),
                again(telemetry(AGAIN), 4),
                again(AGAIN_DOWNLINK, 4));
    }

    /** @param replicas the brokers of each partition, the first one leads it */
    private static NewTopic topic(String name, List<List<Integer>> replicas) {
        var assignment = new HashMap<Integer, List<Integer>>();
        for (int i = 0; i < replicas.size(); i++) assignment.put(i, replicas.get(i));
        return new NewTopic(name, assignment);
    }

    private static NewTopic again(String name, int partitions) {
        var replicas = IntStream.range(0, partitions).mapToObj(_ -> List.of(1, 2));
        return topic(name, replicas.toList());
    }

    /** Deletes the topics that are there for it; returns when they are gone. */
    void deleteTopics() {
        servers.cluster().delete(telemetry(AGAIN));
        servers.cluster().delete(AGAIN_DOWNLINK);
    }

    /** Makes them again, with one partition. */
    void makeTopicsAgain() {
        servers.cluster().create(List.of(again(telemetry(AGAIN), 1), again(AGAIN_DOWNLINK, 1)));
    }

    static String telemetry(String fleet) {
        return fleet + ".telemetry";
    }

    /** Starts publishers of these fleets, each with a message in this time; returns when each has acknowledgements. */
    static ClusterLoad start(Servers servers, int payloadSize, Duration pace, String... fleets) {
        var load = new ClusterLoad(servers);
        for (var name : fleets) {
            var fleet = new Fleet(servers.port());
            load.fleets.put(name, fleet);
            for (int i = 0; i < EACH_QOS; i++) fleet.add(profile(name, i, QoS.AT_LEAST_ONCE, payloadSize, pace));
            for (int i = 0; i < EACH_QOS; i++) fleet.add(profile(name, i, QoS.EXACTLY_ONCE, payloadSize, pace));
        }
        for (var name : fleets) load.awaitProgress(name, PATIENCE);
        return load;
    }

    private static Publisher.Profile profile(String fleet, int number, QoS qos, int payloadSize, Duration pace) {
        var version = number % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        var clientId = fleet + "-" + qos.ordinal() + "-" + number;
        return new Publisher.Profile(
                clientId, version, qos, qos == QoS.EXACTLY_ONCE, 16, 1, pace, payloadSize, false, fleet);
    }

    Fleet fleet(String name) {
        return fleets.get(name);
    }

    void awaitProgress(String fleet, Duration time) {
        fleets.get(fleet).awaitProgress(time, 20, fleets.get(fleet).all());
    }

    int acknowledged(String... some) {
        return Stream.of(some)
                .flatMap(name -> fleets.get(name).all().stream())
                .mapToInt(Publisher::acknowledgedCount)
                .sum();
    }

    /** Publishes no more; returns when everything is answered. */
    void quiet() {
        fleets.values().forEach(fleet -> fleet.quiet(PATIENCE));
    }

    /** What was acknowledged is in Kafka, in order, without gaps; and so is the rest. */
    void assertKept(String fleet) {
        var account = Account.of(
                servers.cluster().bootstrap(),
                telemetry(fleet),
                fleets.get(fleet).all());
        System.out.println("cluster, " + fleet + ": " + account.report());
        account.assertKept();
        account.assertComplete();
    }

    /** Nobody has heard of anything. */
    void assertUndisturbed(String fleet) {
        assertThat(fleets.get(fleet)).allSatisfy(publisher -> {
            assertThat(publisher.disconnects()).isEmpty();
            assertThat(publisher.connects()).isEqualTo(1);
        });
    }

    @Override
    public void close() {
        fleets.values().forEach(Fleet::close);
    }
}
