package dev.sluice.uplink.record;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.contract.Effort;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.HeaderNames;
import dev.sluice.uplink.route.Partition;
import dev.sluice.uplink.route.Resolution;
import dev.sluice.uplink.route.RouteMatch;
import dev.sluice.uplink.route.Routes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Tells what routes would make of a message, by the code that makes it, and produces nothing. Stateless. */
public final class RouteTrial {
    /** Sequences of a trial begin in an epoch that no session has. */
    private static final byte[] EPOCH = "0/".getBytes(StandardCharsets.US_ASCII);

    private RouteTrial() {}

    /**
     * A message that somebody might publish, with MQTT 5 as far as reason codes go.
     *
     * @param username null without one
     */
    public record Question(
            String clientId,
            String username,
            TopicName topicName,
            QoS qos,
            boolean retain,
            byte[] payload,
            Properties properties) {
        Question(
                String clientId, String username, TopicName topicName, QoS qos, byte[] payload, Properties properties) {
            this(clientId, username, topicName, qos, false, payload, properties);
        }
    }

    public record Header(String name, byte[] value) {}

    /**
     * A record that would be produced. In {@code mqtt-seq} it says {@code 0/1}, and the message id is that of packet identifier 1.
     *
     * @param route its name; empty for the dead letter of what no route takes
     * @param partition a number, or how it is chosen: {@code key}, {@code spread}, {@code hash of …}
     * @param key null for none
     * @param failure why it is a dead letter; null if it is none
     */
    public record Produced(
            String route,
            String kafkaTopic,
            String partition,
            byte[] key,
            List<Header> headers,
            byte[] value,
            Failure failure) {}

    /** A route without a record. */
    public record Silent(String route, String why) {}

    /**
     * @param refusal why the message would be refused, so that there are no records; null if it would not be
     * @param silent all other routes, in the order of their names
     */
    public record Answer(List<Produced> records, Failure refusal, List<Silent> silent) {}

    public static Answer of(Routes routes, Question question) {
        return switch (routes.resolve(question.topicName(), question.clientId(), question.username())) {
            case Resolution.Forward(var matches) -> {
                var destination = Destination.of(
                        matches.stream().map(match -> target(match, question)).toList());
                var failures = destination.failures(question.payload(), Effort.FULL);
                var refusal = destination.refusal(failures);
                var records = refusal == null ? records(routes, question, destination, failures) : List.<Produced>of();
                yield new Answer(records, refusal, silent(routes, question, refusal));
            }
            case Resolution.Refuse(var failure) -> new Answer(List.of(), failure, silent(routes, question, failure));
            case Resolution.Drop _ -> new Answer(List.of(), null, silent(routes, question, null));
        };
    }

    private static Target target(RouteMatch match, Question question) {
        var clientId = UplinkRecord.header(HeaderNames.CLIENT_ID, question.clientId());
        var sequence = new Sequence(match.route().name(), EPOCH);
        return Target.of(match, question.topicName(), question.clientId(), clientId, sequence, new Backlog(0, 0));
    }

    private static List<Produced> records(
            Routes routes, Question question, Destination destination, Failure[] failures) {
        var made = new ArrayList<Produced>();
        for (int i = 0; i < destination.targets().size(); i++) {
            var target = destination.targets().get(i);
            var failure = failures == null ? null : failures[i];
            var record = record(question, target);
            if (failure == null) {
                made.add(produced(target, record, target.match().partition().toString(), null));
            } else {
                var clientAnswer = question.qos() == QoS.AT_MOST_ONCE ? null : failure.reason();
                var letter = DeadLetterRecord.ofMessage(record, target.route(), failure, clientAnswer)
                        .to(routes.deadLetterTopic());
                made.add(produced(target, letter, Partition.BY_KEY.toString(), failure));
            }
        }
        return List.copyOf(made);
    }

    private static ProducerRecord<byte[], byte[]> record(Question question, Target target) {
        var isQoS0 = question.qos() == QoS.AT_MOST_ONCE;
        var publish = new Packet.Publish(
                false,
                question.qos(),
                question.retain(),
                question.topicName(),
                isQoS0 ? 0 : 1,
                question.properties(),
                question.payload());
        var messageId = isQoS0 ? null : MessageId.of(MessageId.hashOf(question.clientId()), publish);
        var seq = target.sequence().next();
        var record = UplinkRecord.of(target, publish, System.currentTimeMillis(), messageId, seq, null);
        var span = Tracing.OFF.begin(question.properties(), record.topic());
        if (span != null) Tracing.inject(span, record.headers());
        return record;
    }

    private static Produced produced(
            Target target, ProducerRecord<byte[], byte[]> record, String partition, Failure failure) {
        var headers = new ArrayList<Header>();
        record.headers().forEach(header -> headers.add(new Header(header.key(), header.value())));
        return new Produced(
                target.route().name(),
                record.topic(),
                partition,
                record.key(),
                List.copyOf(headers),
                record.value(),
                failure);
    }

    private static List<Silent> silent(Routes routes, Question question, Failure refusal) {
        var matching = routes.matching(question.topicName());
        var silent = new ArrayList<Silent>();
        for (var route : routes.routes()) {
            if (!matching.contains(route)) {
                var why = route.filter().isEmpty() ? "a filter takes the topic name" : "its filter does not match";
                silent.add(new Silent(route.name(), why));
            } else if (refusal != null) {
                var own = route.match(question.topicName(), question.clientId(), question.username())
                        .failure(question.payload(), Effort.FULL);
                silent.add(new Silent(route.name(), own == null ? "another route refuses the message" : own.why()));
            }
        }
        return List.copyOf(silent);
    }
}
