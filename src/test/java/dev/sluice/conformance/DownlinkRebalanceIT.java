package dev.sluice.conformance;

import static dev.sluice.conformance.Backend.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Gateway;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;

/** Another member of the downlink's group takes partitions whose records are under way, and gives them back. */
class DownlinkRebalanceIT {
    private static final int PARTITIONS = 4;

    private final String topic = "talk/" + Device.id("rebalanced");

    @Test
    void whatAnotherMemberHasNotDoneComesAgain() {
        try (var backend = new Backend();
                var client = Peer.online(ProtocolVersion.V5).subscribe(QoS.AT_LEAST_ONCE, topic + "/+")) {
            var sent = new ArrayList<RecordMetadata>();
            for (int i = 0; i < PARTITIONS; i++) sent.add(send(backend, i));
            for (int i = 0; i < PARTITIONS; i++) client.delivered();
            var taken = takeSome();
            assertThat(taken).isNotEmpty();
            var again = new TreeSet<String>();
            while (again.size() < taken.size()) again.add(client.text());
            assertThat(again).isEqualTo(taken);
            for (int i = 1; i <= PARTITIONS; i++) client.wire().sendPackets(new Packet.PubAck(i));
            for (var record : sent)
                await("offset of partition " + record.partition())
                        .until(() -> backend.committed(record) > record.offset());
            client.assertNothingMore();
        }
    }

    private RecordMetadata send(Backend backend, int partition) {
        return backend.send(
                new ProducerRecord<>(Backend.DOWNLINK, partition, utf8(topic + "/" + partition), utf8("" + partition)));
    }

    /** Reads some of the commands as a member that does nothing with them; returns their payloads when it has left. */
    private TreeSet<String> takeSome() {
        var taken = new TreeSet<String>();
        Map<String, Object> config = Map.of(
                "bootstrap.servers",
                Gateway.shared().bootstrap(),
                "group.id",
                "sluice-downlink",
                "enable.auto.commit",
                false,
                "auto.offset.reset",
                "earliest",
                "partition.assignment.strategy",
                CooperativeStickyAssignor.class.getName());
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(Backend.DOWNLINK));
            await("partitions of another member").atMost(Duration.ofSeconds(60)).until(() -> {
                for (var record : consumer.poll(Duration.ofMillis(200)))
                    if (Backend.text(record.key()).startsWith(topic)) taken.add(Backend.text(record.value()));
                return !consumer.assignment().isEmpty()
                        && taken.size() >= consumer.assignment().size();
            });
        }
        return taken;
    }
}
