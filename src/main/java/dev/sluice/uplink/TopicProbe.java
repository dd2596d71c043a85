package dev.sluice.uplink;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.route.RoutesInForce;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/**
 * Asks Kafka about the topics that records go to, for {@link KnownTopics}, and creates those that a route may create: one virtual thread.
 */
@ApplicationScoped
class TopicProbe {
    private static final Logger LOG = Logger.getLogger(TopicProbe.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    /** Names that come in that time are asked for together. */
    private static final Duration GATHERING = Duration.ofMillis(5);

    private static final Duration KAFKA_AWAY = Duration.ofMillis(200);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    private static final int PAGE = 200;

    private final KafkaHealth kafka;
    private final KnownTopics topics;
    private final RoutesInForce routes;
    private final Uplink uplink;
    private final int createdMaximum;
    private final Repeating asking = Repeating.onVirtualThread("sluice-kafka-topics");
    private final ThrottledLog complaints = new ThrottledLog(LOG);

    TopicProbe(KafkaHealth kafka, KnownTopics topics, RoutesInForce routes, Uplink uplink, UplinkConfig config) {
        this.kafka = kafka;
        this.topics = topics;
        this.routes = routes;
        this.uplink = uplink;
        this.createdMaximum = config.createdTopicsMaximum();
    }

    void start(@Observes @Priority(StartOrder.KAFKA_READERS) StartupEvent event) {
        asking.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        asking.stop();
        asking.interrupt();
    }

    private Duration turn() throws InterruptedException {
        topics.want(routes.routes().literalKafkaTopics());
        var admin = kafka.admin();
        if (admin == null) return KAFKA_AWAY;
        try {
            ask(admin, topics.due());
            create(admin);
        } catch (ExecutionException | TimeoutException | KafkaException | IllegalStateException away) {
            LOG.debug("Kafka is asked for topics", away);
            return KAFKA_AWAY;
        }
        topics.awaitQuestion(INTERVAL);
        return GATHERING;
    }

    private void ask(Admin admin, List<String> names)
            throws InterruptedException, ExecutionException, TimeoutException {
        for (int i = 0; i < names.size(); i += PAGE) {
            var page = names.subList(i, Math.min(names.size(), i + PAGE));
            topics.tell(KafkaTopics.describe(admin, page, TIMEOUT), name -> routes.routes()
                    .mayCreate(name));
        }
        uplink.splitBacklogs();
    }

    /** What exists counts, whoever made it, so that the bound holds over restarts and gateways. */
    private void create(Admin admin) throws InterruptedException, ExecutionException, TimeoutException {
        var inForce = routes.routes();
        var wanted = topics.missing().stream().filter(inForce::mayCreate).toList();
        if (wanted.isEmpty()) return;
        var there = KafkaTopics.names(admin, TIMEOUT).stream()
                .filter(inForce::mayCreate)
                .count();
        var created = new ArrayList<String>();
        for (var name : wanted) {
            if (there + created.size() >= createdMaximum) refuse(name, Refusal.tooManyTopics(), "as many exist as may");
            else if (create(admin, name)) created.add(name);
        }
        ask(admin, created);
    }

    private boolean create(Admin admin, String name) throws InterruptedException, TimeoutException {
        try {
            KafkaTopics.create(admin, name, TIMEOUT);
            LOG.infof("the Kafka topic %s is created, as its route says", name);
            return true;
        } catch (ExecutionException failed) {
            refuse(name, Refusal.topicMissing(), failed.getCause().getMessage());
            return false;
        }
    }

    private void refuse(String name, Refusal refusal, String why) {
        topics.refuse(name, refusal);
        complaints.warn("the Kafka topic " + name + " is not created, and messages for it fail: " + why);
    }
}
