package dev.sluice.downlink;

import dev.sluice.clock.Repeating;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jboss.logging.Logger;

/**
 * Knows which of the downlink's Kafka topics exist, because a consumer that subscribes to one that does not would complain without
 * end. One virtual thread asks until all do; any may read.
 */
final class TopicWatch {
    private static final Logger LOG = Logger.getLogger(TopicWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    private final Map<String, Object> config;
    private final Set<String> wanted;
    private final Set<String> forLetters;
    private final Repeating watch = Repeating.onVirtualThread("sluice-downlink-topics");
    private volatile Set<String> present = Set.of();
    private boolean told;
    private boolean toldOfLetters;

    /**
     * @param wanted where records come from
     * @param forLetters where those go that cannot be delivered
     */
    TopicWatch(Map<String, Object> kafkaConfig, List<String> wanted, List<String> forLetters) {
        this.config = new HashMap<>(kafkaConfig);
        this.config.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-downlink-topics");
        this.config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        this.config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        this.wanted = Set.copyOf(wanted);
        this.forLetters = Set.copyOf(forLetters);
    }

    void start() {
        watch.start(() -> {
            ask();
            return isComplete() ? null : INTERVAL;
        });
    }

    void stop() {
        watch.stop();
    }

    Set<String> present() {
        return present;
    }

    private boolean isComplete() {
        return present.containsAll(wanted);
    }

    private void ask() throws InterruptedException {
        try (var admin = Admin.create(config)) {
            var missing = missing(admin, wanted);
            present = wanted.stream().filter(topic -> !missing.contains(topic)).collect(Collectors.toUnmodifiableSet());
            tell(missing);
            if (!present.isEmpty() && !toldOfLetters) tellOfLetters(missing(admin, forLetters));
        } catch (ExecutionException | TimeoutException | KafkaException away) {
            LOG.debug("Kafka does not say which topics of the downlink exist", away);
        }
    }

    private static TreeSet<String> missing(Admin admin, Set<String> kafkaTopics)
            throws InterruptedException, ExecutionException, TimeoutException {
        var missing = new TreeSet<String>();
        for (var topic : admin.describeTopics(kafkaTopics).topicNameValues().entrySet())
            if (!exists(topic.getValue())) missing.add(topic.getKey());
        return missing;
    }

    /** One that may not be described is as good as none. */
    private static boolean exists(KafkaFuture<?> description)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            description.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException
                    || failed.getCause() instanceof TopicAuthorizationException) return false;
            throw failed;
        }
    }

    private void tell(Set<String> missing) {
        if (isComplete()) {
            if (told) LOG.info("every Kafka topic of the downlink exists");
        } else if (!told) {
            told = true;
            LOG.warnf(
                    "Kafka topics of the downlink do not exist or may not be described, no commands come from them: %s. Create them,"
                            + " allow Read and Describe, or correct sluice.downlink.topics (empty for no downlink)",
                    String.join(", ", missing));
        }
    }

    private void tellOfLetters(Set<String> missing) {
        toldOfLetters = true;
        if (!missing.isEmpty())
            LOG.warnf(
                    "Kafka topics for records of the downlink that cannot be delivered do not exist or may not be described: %s. Create"
                            + " them and allow Write and Describe: such a record waits until it is there, and its offset with it",
                    String.join(", ", missing));
    }
}
