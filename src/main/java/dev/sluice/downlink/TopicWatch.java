package dev.sluice.downlink;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
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
    private final CountDownLatch stopped;
    private volatile Set<String> present = Set.of();
    private boolean told;

    TopicWatch(Map<String, Object> kafkaConfig, List<String> wanted, CountDownLatch stopped) {
        this.config = new HashMap<>(kafkaConfig);
        this.config.put(AdminClientConfig.CLIENT_ID_CONFIG, "sluice-downlink-topics");
        this.config.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        this.config.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) TIMEOUT.toMillis());
        this.wanted = Set.copyOf(wanted);
        this.stopped = stopped;
    }

    void start() {
        Thread.ofVirtual().name("sluice-downlink-topics").start(this::run);
    }

    Set<String> present() {
        return present;
    }

    private void run() {
        try {
            while (!isComplete() && stopped.getCount() > 0) {
                ask();
                if (!isComplete()) stopped.await(INTERVAL.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isComplete() {
        return present.containsAll(wanted);
    }

    private void ask() throws InterruptedException {
        try (var admin = Admin.create(config)) {
            var found = new TreeSet<String>();
            for (var topic : admin.describeTopics(wanted).topicNameValues().entrySet())
                if (exists(topic.getValue())) found.add(topic.getKey());
            present = Set.copyOf(found);
            tell();
        } catch (ExecutionException | TimeoutException | KafkaException away) {
            LOG.debug("Kafka does not say which topics of the downlink exist", away);
        }
    }

    private static boolean exists(KafkaFuture<?> description)
            throws InterruptedException, ExecutionException, TimeoutException {
        try {
            description.get(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof UnknownTopicOrPartitionException) return false;
            throw failed;
        }
    }

    private void tell() {
        if (isComplete()) {
            if (told) LOG.info("every Kafka topic of the downlink exists");
        } else if (!told) {
            told = true;
            var missing = new TreeSet<>(wanted);
            missing.removeAll(present);
            LOG.warnf(
                    "Kafka topics of the downlink do not exist, no commands come from them: %s. Create them, or correct"
                            + " sluice.downlink.topics (empty for no downlink)",
                    String.join(", ", missing));
        }
    }
}
