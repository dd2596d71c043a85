package dev.sluice.cluster.relay;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.RelayConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.record.TimestampType;
import org.jboss.logging.Logger;

/**
 * Makes sure that the relay topic is there, and creates it where it is missing; knows by its id whether it is the same. Used by the relay's
 * thread; blocks, for a few seconds at most.
 */
final class RelayTopic {
    private static final Logger LOG = Logger.getLogger(RelayTopic.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    /** What is older was read long ago, or is told anew. A segment has to be closed before it can be deleted. */
    private static final Map<String, String> CONFIG = Map.of(
            TopicConfig.CLEANUP_POLICY_CONFIG,
            TopicConfig.CLEANUP_POLICY_DELETE,
            TopicConfig.RETENTION_MS_CONFIG,
            "600000",
            TopicConfig.SEGMENT_MS_CONFIG,
            "600000",
            TopicConfig.SEGMENT_BYTES_CONFIG,
            "67108864",
            // else Kafka refuses what a gateway tells whose clock is too far ahead
            TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
            TimestampType.LOG_APPEND_TIME.name);

    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private final RelayConfig config;
    private final Map<String, Object> kafkaConfig;
    /** What was found last; null if Kafka did not tell. */
    private Uuid found;
    /** What was found before, and is read. */
    private Uuid read;

    RelayTopic(RelayConfig config, Map<String, Object> kafkaConfig) {
        this.config = config;
        this.kafkaConfig = kafkaConfig;
    }

    /** Whether Kafka has told that it is the topic that is read; by then the first one is. */
    boolean isSame() {
        if (read == null) read = found;
        return found != null && found.equals(read);
    }

    /** Whether what was found is another topic than the one before; from now on, it is the one that is read. */
    boolean isAnother() {
        if (found == null || isSame()) return false;
        read = found;
        return true;
    }

    /** Returns a sentence that says why the topic cannot serve; empty if it can, as far as Kafka tells. */
    Optional<String> ensure(int mailbox) throws InterruptedException {
        found = null;
        var properties = new HashMap<>(kafkaConfig);
        properties.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-relay-topic");
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        Admin admin = null;
        try {
            admin = Admin.create(properties);
            return trouble(admin, mailbox);
        } catch (KafkaException | TimeoutException | ExecutionException away) {
            var cause = away instanceof ExecutionException ? away.getCause() : away;
            return Optional.of("Kafka does not tell about the topic " + config.topic() + ": " + cause.getMessage());
        } finally {
            if (admin != null) admin.close(Duration.ZERO);
        }
    }

    private Optional<String> trouble(Admin admin, int mailbox)
            throws InterruptedException, TimeoutException, ExecutionException {
        try {
            var there = get(admin.describeTopics(List.of(config.topic()))
                    .topicNameValues()
                    .get(config.topic()));
            found = there.topicId();
            var partitions = there.partitions().size();
            if (!found.equals(read) && !hasTimesOfKafka(admin)) askForTimesOfKafka();
            return mailbox < partitions
                    ? Optional.empty()
                    : Optional.of(
                            ("the Kafka topic %s has %d partitions, and this gateway reads partition %d: add partitions,"
                                            + " one for each gateway that lives at the same time, and one more")
                                    .formatted(config.topic(), partitions, mailbox));
        } catch (ExecutionException failed) {
            return switch (failed.getCause()) {
                case UnknownTopicOrPartitionException _ -> create(admin);
                case TopicAuthorizationException _ -> Optional.empty(); // hidden: who reads it sees
                case null, default -> throw failed;
            };
        }
    }

    /** Whether Kafka writes its own time on each record, or does not tell. */
    private boolean hasTimesOfKafka(Admin admin) throws InterruptedException, TimeoutException {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, config.topic());
        try {
            var type = get(admin.describeConfigs(List.of(topic)).values().get(topic))
                    .get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG);
            return type == null || TimestampType.LOG_APPEND_TIME.name.equals(type.value());
        } catch (ExecutionException hidden) {
            LOG.debugf(hidden, "the configuration of %s is not known", config.topic());
            return true;
        }
    }

    /** The topic may be somebody's who has made it as he wants it: it is not changed. */
    private void askForTimesOfKafka() {
        complaints.warn(
                ("the Kafka topic %s does not have %s=%s, so that Kafka refuses what a gateway tells the others whose clock is too"
                                + " far ahead; set it with kafka-configs.sh --bootstrap-server <Kafka> --alter --entity-type topics"
                                + " --entity-name %1$s --add-config %2$s=%3$s")
                        .formatted(
                                config.topic(),
                                TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG,
                                TimestampType.LOG_APPEND_TIME.name));
    }

    private Optional<String> create(Admin admin) throws InterruptedException, TimeoutException {
        var topic = new NewTopic(config.topic(), Optional.of(config.partitions()), Optional.empty()).configs(CONFIG);
        try {
            found = get(admin.createTopics(List.of(topic)).topicId(config.topic()));
            LOG.infof("the Kafka topic %s is created, with %d partitions", config.topic(), config.partitions());
            return Optional.empty();
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof TopicExistsException) return Optional.empty();
            return Optional.of(
                    "the Kafka topic %s does not exist and cannot be created, create it with %d partitions: %s"
                            .formatted(
                                    config.topic(),
                                    config.partitions(),
                                    failed.getCause().getMessage()));
        }
    }

    private static <T> T get(KafkaFuture<T> answer) throws InterruptedException, TimeoutException, ExecutionException {
        return answer.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
    }
}
