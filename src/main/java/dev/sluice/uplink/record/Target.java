package dev.sluice.uplink.record;

import dev.sluice.config.UplinkConfig.HeaderStyle;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.route.Partition;
import dev.sluice.uplink.route.Route;
import dev.sluice.uplink.route.RouteMatch;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.utils.Utils;

/**
 * One record that a client's Topic Name leads to, with all that is the same for every PUBLISH encoded once. Immutable, except
 * for the sequence, the backlog and the headers of the last properties.
 *
 * @param sequence the numbers of the client's records of the route
 * @param backlog what waits for its Kafka topic
 * @param key null for none
 * @param hash of what chooses the partition, the key or a text; -1 if neither does
 * @param choice the same for a record that waits in the spool; null if nothing but the key or the route chooses
 * @param leading headers that are the same for every PUBLISH and come before those of each
 * @param ofProperties those that follow from the properties of a PUBLISH alone
 * @param trailing those that come after them: the route's own
 */
public record Target(
        RouteMatch match,
        Sequence sequence,
        Backlog backlog,
        byte[] key,
        int hash,
        PartitionChoice choice,
        boolean isCloudEvent,
        List<Header> leading,
        PropertyHeaders ofProperties,
        List<Header> trailing) {
    public static Target of(
            RouteMatch match,
            TopicName topicName,
            String clientId,
            Header clientIdHeader,
            Sequence sequence,
            Backlog backlog) {
        var isCloudEvent = match.route().spec().headerStyle() == HeaderStyle.CLOUDEVENTS;
        var key = bytes(match.key());
        return new Target(
                match,
                sequence,
                backlog,
                key,
                hash(match.partition(), key),
                PartitionChoice.of(match.partition()),
                isCloudEvent,
                isCloudEvent
                        ? CloudEvents.leading(match, topicName, clientId, clientIdHeader)
                        : UplinkRecord.leading(topicName, clientIdHeader),
                new PropertyHeaders(isCloudEvent ? CloudEvents::ofProperties : UplinkRecord::ofProperties),
                match.headers().entrySet().stream()
                        .map(header -> UplinkRecord.header(header.getKey(), header.getValue()))
                        .toList());
    }

    private static int hash(Partition partition, byte[] key) {
        return switch (partition) {
            case Partition.ByText(var text) -> hash(bytes(text));
            case Partition.ByKey _ -> key == null ? -1 : hash(key);
            case Partition.Fixed _, Partition.Spread _ -> -1;
        };
    }

    /** As Kafka's producer hashes. */
    private static int hash(byte[] bytes) {
        return Utils.toPositive(Utils.murmur2(bytes));
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    public Route route() {
        return match.route();
    }

    public String kafkaTopic() {
        return match.kafkaTopic();
    }

    /** Whether Kafka finds the partition by the key, for which nobody needs to know how many there are. */
    public boolean leavesPartitionToKafka() {
        return match.partition() == Partition.BY_KEY && key != null;
    }

    /** Whether any partition is as good as another: so it is for records without a key, where nothing else is said. */
    public boolean isSpread() {
        return match.partition() == Partition.SPREAD || match.partition() == Partition.BY_KEY && key == null;
    }

    /** What waits for the partition of its records; null if that differs, or is not known. */
    public Backlog partitionBacklog() {
        if (hash >= 0) return backlog.hashed(hash);
        return match.partition() instanceof Partition.Fixed(var number) ? backlog.numbered(number) : null;
    }

    /** Whether its next record may be handed to Kafka. */
    public boolean hasRoom(Room room) {
        return room.has(backlog, partitionBacklog());
    }

    /**
     * The partition of a record, for which nobody asks where Kafka finds it by the key, or the route says it.
     *
     * @param count partitions of the Kafka topic
     * @param moment the same for records that may share a batch
     * @param room leaves out partitions that take nothing, where any is as good as another
     */
    public int partition(int count, long moment, Room room) {
        if (isSpread()) return spread(count, moment, room);
        return hash % count;
    }

    /** The partition that the route asks for by its number; null if it does not. */
    public Integer fixedPartition() {
        return match.partition() instanceof Partition.Fixed(var number) ? number : null;
    }

    private int spread(int count, long moment, Room room) {
        // Mixed, so that a client that publishes with a steady beat does not meet the same partition each time.
        var first = (int) Long.remainderUnsigned(moment * 0x9E3779B97F4A7C15L >>> 20, count);
        for (int i = 0; i < count; i++) {
            var number = (first + i) % count;
            if (room.has(backlog, backlog.numbered(number))) return number;
        }
        return first;
    }
}
