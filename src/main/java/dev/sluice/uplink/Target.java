package dev.sluice.uplink;

import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * One record that a client's Topic Name leads to, with all that is the same for every PUBLISH encoded once. Immutable.
 *
 * @param sequence the numbers of the client's records of the route
 * @param key null for none
 * @param routeHeaders those that the route adds
 */
record Target(Sequence sequence, String kafkaTopic, byte[] key, Header topicHeader, List<Header> routeHeaders) {
    static Target of(Match match, TopicName topicName, Sequence sequence) {
        var key = match.key() == null ? null : match.key().getBytes(StandardCharsets.UTF_8);
        return new Target(
                sequence,
                match.kafkaTopic(),
                key,
                new RecordHeader(UplinkRecord.TOPIC, topicName.utf8()),
                match.headers().entrySet().stream()
                        .map(header -> UplinkRecord.header(header.getKey(), header.getValue()))
                        .toList());
    }
}
